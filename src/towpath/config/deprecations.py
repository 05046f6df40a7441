"""What of a `towpath.yaml` is still read, but belongs to a former version."""

from collections.abc import Iterator

from towpath.config.keys.models import CONFIG_FILE
from towpath.formats.versions import LATEST, VERSION_KEY, known_version, order, ranges_in
from towpath.yamltext.config_reader import read_document


def deprecation_notes(text: str) -> Iterator[str]:
    """A note for a former version of the file; for the newest one, a note for each deprecated key.

    A key that is not obeyed is noted in every version.
    """
    document = read_document(text, CONFIG_FILE)
    version = known_version(document.data[VERSION_KEY]) or LATEST
    if version != LATEST:
        line = document.line((VERSION_KEY,))
        yield (
            f"{CONFIG_FILE}:{line}: {version} is still read; `towpath migrate` rewrites the repository to"
            f" {LATEST} in one commit"
        )
    lines: dict[str, list[int]] = {}
    said: dict[str, str] = {}
    for path, each in ranges_in(document.data, CONFIG_FILE):
        if not each.obeyed:
            said[each.name] = f"`{each.name}` is not obeyed: {each.instead}"
        elif version == LATEST and each.deprecated and order(version) >= order(each.deprecated):
            said[each.name] = f"`{each.name}` is deprecated since {each.deprecated}: {each.instead}"
        else:
            continue
        lines.setdefault(each.name, []).append(document.line(path))
    for name, places in lines.items():
        more = f" (also on line {', '.join(map(str, places[1:]))})" if places[1:] else ""
        yield f"{CONFIG_FILE}:{places[0]}: {said[name]}{more}"
