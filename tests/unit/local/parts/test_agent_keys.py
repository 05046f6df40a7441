"""The stack makes its own keys: each private one is for its agent, and all agents trust the same."""

import stat

from towpath.adapters.evidence.key_files import read_private_key, read_trusted_keys
from towpath.engine.source.keys import signing_summary, trusted_summary
from towpath.local.common.stack import POOLS, Stack
from towpath.local.parts.agent_keys import ensure_keys
from towpath.local.parts.process_environment import agent_environment
from towpath.settings import Settings


def test_each_agent_has_a_key_of_its_own_and_all_trust_the_same(described: Stack) -> None:
    ensure_keys(described)
    for pool in POOLS:
        environ = agent_environment(described, pool)
        settings = Settings.load({"HOME": "/nowhere", **environ})
        assert trusted_summary(settings) == "4 of build, dev, prod, staging"
        assert signing_summary(settings, pool).endswith(f" of {pool}")
        path = described.layout.signing_key(pool)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        others = [str(described.layout.signing_key(other)) for other in POOLS if other != pool]
        assert not [value for value in environ.values() if value in others]
    assert len({read_private_key(described.layout.signing_key(pool)).public for pool in POOLS}) == len(POOLS)


def test_evidence_is_the_builders_and_commits_are_the_environments(described: Stack) -> None:
    ensure_keys(described)
    told = {
        name: entry.namespaces
        for entry in read_trusted_keys(described.layout.trusted_keys).entries
        for name in entry.principals
    }
    assert told.pop("build") == ("towpath-evidence",)
    assert set(told.values()) == {("git",)}


def test_again_changes_nothing_and_a_lost_key_is_made_anew(described: Stack) -> None:
    ensure_keys(described)
    before = described.layout.trusted_keys.read_text()
    ensure_keys(described)
    assert described.layout.trusted_keys.read_text() == before
    for name in ("prod", "prod.pub"):
        (described.layout.signing_key("prod").parent / name).unlink()
    ensure_keys(described)
    assert described.layout.trusted_keys.read_text().startswith(before)
    described.layout.trusted_keys.unlink()
    ensure_keys(described)
    assert len(read_trusted_keys(described.layout.trusted_keys).entries) == len(POOLS)


def test_a_shell_gets_the_public_keys_and_no_private_one(described: Stack) -> None:
    variables = described.variables()
    assert variables["TOWPATH_TRUSTED_KEYS"] == str(described.layout.trusted_keys)
    assert "TOWPATH_SIGNING_KEY" not in variables
