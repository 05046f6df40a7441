"""Which Secrets are made, what agents trust, and that a private key shows nowhere."""

import base64
from pathlib import Path

import pytest

from towpath.adapters.evidence.key_changes import make_key, retire_key, trust_key
from towpath.adapters.evidence.key_files import KeyFolder
from towpath.evidence.private_key import PrivateKey
from towpath.evidence.trusted_keys import APPROVALS, COMMITS, EVIDENCE, parse_trusted_keys
from towpath.install.parts import AgentPart, Entry, Parts, TrialRedis
from towpath.install.secrets import Found, makeable, missing, plan_secrets, untrusted, with_trusted
from towpath.objects import Manifest, ObjectRef

HOME = "towpath-system"


def entry(kind: str, name: str, key: str = "") -> Entry:
    return Entry(ObjectRef("", kind, HOME, name), key)


TRUSTED = entry("ConfigMap", "towpath-trusted-keys", "allowed_signers")
AUTH = entry("Secret", "towpath-prefect", "auth-string")
NETRC = entry("Secret", "towpath-git", "netrc")


def agent(name: str) -> AgentPart:
    deployment = ObjectRef("apps", "Deployment", HOME, f"towpath-agent-{name}")
    return AgentPart(name, deployment, f"towpath-{name}", entry("Secret", f"{name}-keys", name), TRUSTED)


def parts(*names: str) -> Parts:
    agents = tuple(map(agent, names))
    needed = {TRUSTED: "a", AUTH: "a", NETRC: "a", **{each.signing: "a" for each in agents}}
    server = ObjectRef("apps", "Deployment", HOME, "towpath-server")
    return Parts(agents=agents, server=server, auth=AUTH, needed=needed)


def secret(at: Entry, value: bytes) -> tuple[ObjectRef, Manifest]:
    return at.ref, {"data": {at.key: base64.b64encode(value).decode()}}


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    return KeyFolder(tmp_path / "keys")


def test_what_is_nobodys_is_made_and_the_login_of_git_is_not() -> None:
    nothing = Found({})
    assert set(makeable(parts("dev"))) == {AUTH.ref}
    assert list(missing(parts("dev"), nothing)) == [NETRC]


def test_a_secret_that_lacks_its_key_is_missing_and_is_not_written() -> None:
    found = Found({AUTH.ref: {"data": {"password": ""}}, NETRC.ref: {"data": {"netrc": ""}}})
    assert list(missing(parts("dev"), found)) == [AUTH]


def test_passwords_are_long_and_never_the_same() -> None:
    redis = TrialRedis("towpath-redis", entry("Secret", "redis", "password"), entry("Secret", "redis", "url"))
    trial = Parts(trial_redis=redis, trial_database=entry("Secret", "database", "password"))
    first, second = ({ref: make() for ref, make in makeable(trial).items()} for _ in range(2))
    content = first[redis.url.ref]
    assert content["url"] == b"redis://:" + content["password"] + b"@towpath-redis:6379/0"
    assert len(content["password"]) >= 32
    assert first.keys() == second.keys()
    assert all(first[ref] != second[ref] for ref in first)


def test_what_sessions_are_encrypted_with_is_made_and_the_issuer_s_secret_is_not() -> None:
    cookie, client = entry("Secret", "cookie", "cookie-secret"), entry("Secret", "client", "client-secret")
    found = Parts(cookie=cookie, needed={cookie: "sso", client: "sso"})
    assert len(base64.urlsafe_b64decode(makeable(found)[cookie.ref]()["cookie-secret"])) == 24  # of AES
    assert list(missing(found, Found({}))) == [client]
    shared = Parts(cookie=cookie, needed={cookie: "sso", entry("Secret", "cookie", "client-secret"): "sso"})
    assert makeable(shared) == {}, "a Secret that is somebody's is theirs"


def test_the_plan_tells_what_is_new(folder: KeyFolder) -> None:
    make_key(folder, "prod", (COMMITS,))
    entries = {each.ref.name: each for each in plan_secrets(parts("build", "prod"), Found({}), folder)}
    assert {name: each.action for name, each in entries.items()} == dict.fromkeys(entries, "create")
    assert entries["prod-keys"].reason == f"the key prod in {folder.path}"
    assert entries["build-keys"].reason == "a new key"
    assert entries["towpath-trusted-keys"].reason == "trusts the keys of build, prod"


def test_what_is_there_is_unchanged(folder: KeyFolder) -> None:
    key = PrivateKey.generate()
    there = parts("dev")
    text = with_trusted("", folder, {there.agents[0]: key.public}, "x")
    found = Found(
        dict([secret(AUTH, b"a:b"), secret(there.agents[0].signing, key.openssh_file())])
        | {TRUSTED.ref: {"data": {TRUSTED.key: text}}}
    )
    assert {each.action for each in plan_secrets(there, found, folder)} == {"unchanged"}
    assert list(untrusted(there, found)) == []


def test_agents_are_trusted_for_their_own_work_and_people_as_in_the_folder(folder: KeyFolder) -> None:
    person, old = PrivateKey.generate().public, PrivateKey.generate().public
    trust_key(folder, "alice@example.com", person, (APPROVALS,))
    there = parts("build", "dev")
    keys = {each: PrivateKey.generate().public for each in there.agents}
    before = f'bob@example.com namespaces="towpath" {old.openssh}\n'
    text = with_trusted(before, folder, keys, "x")
    entries = {each.principals: each for each in parse_trusted_keys(text, "x").entries}
    assert entries["build",].namespaces == (EVIDENCE,)
    assert entries["dev",].namespaces == (COMMITS,)
    assert entries["alice@example.com",].namespaces == (APPROVALS,)
    assert text.startswith(before), "what the cluster trusts stays"
    assert with_trusted(text, folder, keys, "x") == text


def test_a_key_that_was_retired_in_the_folder_is_retired_in_the_cluster(folder: KeyFolder) -> None:
    make_key(folder, "dev", (COMMITS,))
    before = with_trusted("", folder, {}, "x")
    retire_key(folder, "dev")
    [entry_] = parse_trusted_keys(with_trusted(before, folder, {}, "x"), "x").entries
    assert entry_.valid_before


def test_why_an_agent_is_not_trusted(folder: KeyFolder) -> None:
    there, key = parts("dev"), PrivateKey.generate()
    [(_, why)] = untrusted(there, Found({}))
    assert why == f"Secret {HOME}/dev-keys (key dev) is not there"
    other = with_trusted("", folder, {there.agents[0]: PrivateKey.generate().public}, "x")
    found = Found(
        dict([secret(there.agents[0].signing, key.openssh_file())])
        | {TRUSTED.ref: {"data": {TRUSTED.key: other}}}
    )
    [(_, why)] = untrusted(there, found)
    trusted = f"ConfigMap {HOME}/towpath-trusted-keys"
    assert why == f"{trusted} does not trust key {key.public.fingerprint} as dev's"
    broken = Found(dict([secret(there.agents[0].signing, b"-----BEGIN nonsense")]))
    [(_, why)] = untrusted(there, broken)
    assert "dev-keys" in why
    assert "nonsense" not in why


def test_a_private_key_shows_in_no_text_of_what_was_found() -> None:
    key = PrivateKey.generate()
    found = Found(dict([secret(agent("dev").signing, key.openssh_file())]))
    assert "PRIVATE" not in repr(found)
    assert base64.b64encode(key.openssh_file()).decode()[:40] not in repr(found)
