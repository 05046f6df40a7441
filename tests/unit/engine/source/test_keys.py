"""The agent's own key and those that it trusts: what is missing or wrong is named, with what to do."""

from pathlib import Path

import pytest

from towpath.adapters.evidence.key_changes import make_key, retire_key
from towpath.adapters.evidence.key_files import KeyFolder
from towpath.engine.source.keys import load_trusted_keys, signing_summary, trusted_summary
from towpath.errors import ConfigError, MissingPartError, TowpathError
from towpath.settings import Settings


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    made = KeyFolder(tmp_path / "keys")
    make_key(made, "build", ("towpath-evidence",))
    make_key(made, "prod", ("git",))
    return made


def settings(folder: KeyFolder, name: str = "prod") -> Settings:
    return Settings.load(
        {
            "HOME": str(folder.path),
            "TOWPATH_SIGNING_KEY": str(folder.path / name),
            "TOWPATH_TRUSTED_KEYS": str(folder.trusted_file),
        }
    )


def test_what_is_as_it_must_be_is_told_in_one_line(folder: KeyFolder) -> None:
    assert trusted_summary(settings(folder)) == "2 of build, prod"
    assert signing_summary(settings(folder), "prod").startswith("SHA256:")
    assert signing_summary(settings(folder, "build"), "build").endswith(" of build")


def test_nothing_configured_is_an_error_with_the_way_in(tmp_path: Path) -> None:
    bare = Settings.load({"HOME": str(tmp_path)})
    with pytest.raises(MissingPartError, match="no trusted keys are configured") as caught:
        trusted_summary(bare)
    assert "TOWPATH_TRUSTED_KEYS" in str(caught.value)
    with pytest.raises(MissingPartError, match="no signing key is configured") as caught:
        signing_summary(bare, "prod")
    assert "TOWPATH_SIGNING_KEY" in str(caught.value)


def test_an_empty_file_trusts_nobody_and_a_missing_one_neither(tmp_path: Path) -> None:
    (tmp_path / "allowed_signers").write_text("# nobody\n")
    with pytest.raises(MissingPartError, match="trusts no key"):
        load_trusted_keys(tmp_path / "allowed_signers")
    with pytest.raises(TowpathError, match="none"):
        load_trusted_keys(tmp_path / "none")
    (tmp_path / "allowed_signers").write_text("prod ssh-ed25519 !\n")
    with pytest.raises(ConfigError, match="is not base64"):
        load_trusted_keys(tmp_path / "allowed_signers")


def test_without_a_builder_no_release_could_be_proven(folder: KeyFolder) -> None:
    retire_key(folder, "build", stolen=True)
    with pytest.raises(MissingPartError, match="trusts no key of 'build'"):
        trusted_summary(settings(folder))


def test_a_key_that_is_not_this_agents_cannot_sign_for_it(folder: KeyFolder) -> None:
    with pytest.raises(TowpathError, match="is build's, and only prod may sign this"):
        signing_summary(settings(folder, "build"), "prod")
    with pytest.raises(TowpathError, match="is prod's, and only build may sign this"):
        signing_summary(settings(folder), "build")


def test_a_key_that_others_may_read_is_refused(folder: KeyFolder) -> None:
    (folder.path / "prod").chmod(0o644)
    with pytest.raises(MissingPartError, match="may be read by others"):
        signing_summary(settings(folder), "prod")
