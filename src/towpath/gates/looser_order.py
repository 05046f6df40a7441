"""Whether the order of environments asks for less than the signed one, and which is in force. Pure."""

from collections.abc import Callable

from towpath.config.keys.graph import implied, needs_text
from towpath.config.protected import ProtectedGate


def order_in_force(
    signed: ProtectedGate, files: ProtectedGate, loosened: Callable[[str, str], None]
) -> ProtectedGate:
    """The gate of `files` with the order that counts; `loosened` is told the key and what is looser.

    In a graph a release counts also where a newer one has taken its place, so that a list is stricter.
    """
    verified_in, in_one_of = files.verified_in, files.in_one_of
    missing = tuple(group for group in signed.needs if not implied(group, files.needs))
    if signed.verified_in and (in_one_of or missing):
        before = signed.verified_in
        more = "" if missing else ", also until a newer release came"
        key = "after" if in_one_of else "verifiedIn"
        loosened(key, f"{before} -> {needs_text(files.needs) or 'nowhere'}{more}")
        verified_in, in_one_of = before, tuple(group for group in in_one_of if group != (before,))
    elif missing:
        loosened("after", f"{needs_text(signed.needs)} -> {needs_text(files.needs) or 'nowhere'}")
        verified_in, in_one_of = None, (*files.needs, *missing)
    return files.model_copy(update={"verified_in": verified_in, "in_one_of": in_one_of})
