"""The Secrets that `towpath install` makes: agents' keys, and passwords that nobody has to choose.

What is made is written into the cluster and nowhere else: into no file, no value of the chart, no log. A
Secret that is there is never changed. The ConfigMap of trusted keys only grows, but for what `towpath keys`
has ended in the folder of keys.
"""

import base64
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from towpath.adapters.evidence.key_files import KeyFolder, read_private_key
from towpath.adapters.kubernetes import Cluster
from towpath.applyset.inventory import INSTALLED_LABEL
from towpath.applyset.plan import PlanEntry
from towpath.engine.live.concurrent import concurrently
from towpath.errors import ConfigError, TerminalError, UnknownNameError
from towpath.evidence.private_key import PrivateKey
from towpath.evidence.public_key import PublicKey
from towpath.evidence.trusted_edit import add_key
from towpath.evidence.trusted_keys import TrustedKey, agent_signs, parse_trusted_keys
from towpath.install.objects import MANAGER, Target
from towpath.install.parts import AgentPart, Entry, Parts
from towpath.objects import Manifest, ObjectRef
from towpath.redact import remember_secret

USER = "towpath"
"""Who agents and door are at the Prefect server, where `install` makes the password."""
_BYTES = 24

Content = Callable[[], Mapping[str, bytes]]


@dataclass(frozen=True, slots=True)
class Found:
    """Secrets and ConfigMaps that pods read, as they are: None is one that is not there."""

    live: Mapping[ObjectRef, Manifest | None] = field(repr=False)

    def value(self, entry: Entry) -> bytes | None:
        """What is under the key; None when it is not there."""
        live = self.live.get(entry.ref)
        if live is None:
            return None
        if entry.ref.kind == "Secret":
            encoded = (live.get("data") or {}).get(entry.key)
            return None if encoded is None else base64.b64decode(encoded)
        text = (live.get("data") or {}).get(entry.key)
        return None if text is None else str(text).encode()

    def has(self, entry: Entry) -> bool:
        """Whether it is there, with its key."""
        live = self.live.get(entry.ref)
        keys = {**((live or {}).get("data") or {}), **((live or {}).get("binaryData") or {})}
        return live is not None and (not entry.key or entry.key in keys)


def look_at_secrets(cluster: Cluster, parts: Parts, absent: frozenset[str] = frozenset()) -> Found:
    """Read what pods read. `absent` are missing namespaces."""
    refs = {entry.ref for entry in parts.needed} | {agent.trusted.ref for agent in parts.agents}
    there = sorted(ref for ref in refs if ref.namespace not in absent)
    return Found(dict(zip(there, concurrently(cluster.get, there), strict=True)))


def makeable(parts: Parts) -> dict[ObjectRef, Content]:
    """The Secrets that are made where they are missing, each with what makes its content."""
    made: dict[ObjectRef, Content] = {}
    if (auth := parts.auth) and parts.server:
        made[auth.ref] = lambda: {auth.key: f"{USER}:{_password()}".encode()}
    if (cookie := parts.cookie) and all(each.ref != cookie.ref or each == cookie for each in parts.needed):
        made[cookie.ref] = lambda: {cookie.key: _password().encode()}
    if database := parts.trial_database:
        made[database.ref] = lambda: {database.key: _password().encode()}
    if redis := parts.trial_redis:

        def content() -> Mapping[str, bytes]:
            password = _password()
            url = f"redis://:{password}@{redis.host}:6379/0"
            return {redis.password.key: password.encode(), redis.url.key: url.encode()}

        made[redis.url.ref] = content
    return made


def missing(parts: Parts, found: Found) -> dict[Entry, str]:
    """What pods need, is not there, and is not made: its owner has to. With the pod that needs it."""
    made = {*makeable(parts), *(agent.signing.ref for agent in parts.agents)}
    made |= {agent.trusted.ref for agent in parts.agents}
    return {
        entry: pod
        for entry, pod in parts.needed.items()
        if not found.has(entry) and (entry.ref not in made or found.live.get(entry.ref) is not None)
    }


def plan_secrets(parts: Parts, found: Found, folder: KeyFolder) -> Iterator[PlanEntry]:
    """What is made, and what trusted keys change. Nothing is made yet."""
    for ref in makeable(parts):
        there = found.live.get(ref) is not None
        yield PlanEntry(ref, "unchanged" if there else "create", reason="" if there else "made by chance")
    new = [agent for agent in parts.agents if found.live.get(agent.signing.ref) is None]
    for agent in parts.agents:
        own = _in_folder(folder, agent)
        how = f"the key {agent.name} in {folder.path}" if own else "a new key"
        fresh = agent in new
        yield PlanEntry(agent.signing.ref, "create" if fresh else "unchanged", reason=how if fresh else "")
    for entry in dict.fromkeys(agent.trusted for agent in parts.agents):
        yield _planned_trust(entry, parts, found, folder, new)


def make_secrets(target: Target, parts: Parts, found: Found, folder: KeyFolder) -> None:
    """Make what is missing. What somebody made meanwhile stays: ConflictError."""
    for ref, content in makeable(parts).items():
        if found.live.get(ref) is None:
            _create(target, ref, content())
    keys = {agent: _public(agent, found) for agent in parts.agents}
    for agent in parts.agents:
        if keys[agent] is None:
            key = _in_folder(folder, agent) or PrivateKey.generate()
            _create(target, agent.signing.ref, {agent.signing.key: key.openssh_file()})
            keys[agent] = key.public
    for entry in dict.fromkeys(agent.trusted for agent in parts.agents):
        trusted = {agent: key for agent, key in keys.items() if agent.trusted == entry and key}
        before = found.value(entry)
        after = with_trusted((before or b"").decode(), folder, trusted, str(entry.ref))
        if before is None or after != before.decode():
            _write_trusted(target, entry, after, found.live.get(entry.ref))


def with_trusted(text: str, folder: KeyFolder, keys: Mapping[AgentPart, PublicKey], file: str) -> str:
    """The text with the keys of the folder and of the agents. A key that is there has the folder's line."""
    ours = parse_trusted_keys(folder.trusted_text(), str(folder.trusted_file)).entries
    lines = text.split("\n")
    for entry in parse_trusted_keys(text, file).entries:
        same = [each for each in ours if each.key == entry.key]
        if same and str(same[0]) != str(entry):
            lines[entry.line - 1] = str(same[0])
    text = "\n".join(lines)
    for agent, key in keys.items():
        ours = (*ours, TrustedKey((agent.name,), key, (agent_signs(agent.environment),)))
    for entry in ours:
        if entry.key not in [each.key for each in parse_trusted_keys(text, file).entries]:
            text = add_key(text, entry, file)
    return text


def untrusted(parts: Parts, found: Found) -> Iterator[tuple[AgentPart, str]]:
    """Agents whose key is not there, cannot be read, or is not trusted for what it signs; and why."""
    for agent in parts.agents:
        try:
            key = _public(agent, found)
            text = found.value(agent.trusted)
            if key is None:
                yield agent, f"{agent.signing} is not there"
            elif text is None:
                yield agent, f"{agent.trusted} is not there"
            elif not _trusts(text.decode(), key, agent):
                yield agent, f"{agent.trusted.ref} does not trust key {key.fingerprint} as {agent.name}'s"
        except TerminalError as error:
            yield agent, error.message


def _trusts(text: str, key: PublicKey, agent: AgentPart) -> bool:
    signs = agent_signs(agent.environment)
    entries = parse_trusted_keys(text, str(agent.trusted.ref)).entries
    return any(
        each.key == key and agent.name in each.principals and each.may_sign(signs) and not each.valid_before
        for each in entries
    )


def _public(agent: AgentPart, found: Found) -> PublicKey | None:
    """Of the agent's private key in the cluster; None where there is none."""
    content = found.value(agent.signing)
    if content is None:
        return None
    try:
        return PrivateKey.parse(content).public
    except TerminalError as error:
        raise ConfigError(error.message, file=str(agent.signing), remedy=error.remedy) from None


def _in_folder(folder: KeyFolder, agent: AgentPart) -> PrivateKey | None:
    try:
        return read_private_key(folder.private_file(agent.name))
    except UnknownNameError:
        return None


def _planned_trust(
    entry: Entry, parts: Parts, found: Found, folder: KeyFolder, new: list[AgentPart]
) -> PlanEntry:
    before = found.value(entry)
    names = ", ".join(agent.name for agent in new if agent.trusted == entry)
    reason = f"trusts the keys of {names}" if names else ""
    if before is None:
        return PlanEntry(entry.ref, "create", reason=reason)
    keys = {agent: key for agent in parts.agents if agent.trusted == entry and (key := _public(agent, found))}
    after = with_trusted(before.decode(), folder, keys, str(entry.ref))
    changed = bool(names) or after != before.decode()
    return PlanEntry(entry.ref, "configure" if changed else "unchanged", reason=reason)


def _password() -> str:
    password = secrets.token_urlsafe(_BYTES)
    remember_secret(password)
    return password


def _create(target: Target, ref: ObjectRef, content: Mapping[str, bytes]) -> None:
    data = {key: base64.b64encode(value).decode() for key, value in content.items()}
    for encoded in data.values():
        remember_secret(encoded)
    target.cluster.create(_manifest(target, ref, data) | {"type": "Opaque"}, field_manager=MANAGER)


def _write_trusted(target: Target, entry: Entry, text: str, live: Manifest | None) -> None:
    if live is None:
        target.cluster.create(_manifest(target, entry.ref, {entry.key: text}), field_manager=MANAGER)
    else:
        data = {**(live.get("data") or {}), entry.key: text}
        target.cluster.replace({**live, "data": data}, field_manager=MANAGER)


def _manifest(target: Target, ref: ObjectRef, data: Mapping[str, str]) -> Manifest:
    metadata = {"name": ref.name, "namespace": ref.namespace, "labels": {INSTALLED_LABEL: target.namespace}}
    return {"apiVersion": "v1", "kind": ref.kind, "metadata": metadata, "data": dict(data)}
