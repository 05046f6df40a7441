from pathlib import Path

import pytest

from towpath.adapters.kubernetes import credentials
from towpath.adapters.kubernetes.credentials import READ_AGAIN, Given, Identity, Nobody
from towpath.adapters.kubernetes.fields import KubeconfigError
from towpath.adapters.kubernetes.kubeconfig import UserEntry
from towpath.adapters.kubernetes.tls import KeyPair
from towpath.redact import redact


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("\n first-token \r\n")
    return path


def test_a_token_file_is_read_again_after_a_while(file: Path) -> None:
    clock = Clock()
    source = Given(UserEntry(token_file=str(file)), clock=clock)
    assert source.current() == Identity("first-token")
    file.write_text("second-token")
    clock.now += READ_AGAIN - 1
    assert source.current().token == "first-token"
    clock.now += 1
    assert source.current().token == "second-token"
    assert READ_AGAIN <= 60


def test_a_refused_token_is_looked_for_at_once(file: Path) -> None:
    source = Given(UserEntry(token_file=str(file)))
    first = source.current()
    assert source.renewed(first) is None
    file.write_text("second-token")
    assert source.renewed(first) == Identity("second-token")
    assert source.renewed(first) == Identity("second-token")  # somebody else has looked meanwhile


@pytest.mark.parametrize("content", ["", " \n", "two words", None])
def test_the_last_token_stays_while_the_file_is_no_good(file: Path, content: str | None) -> None:
    clock = Clock()
    source = Given(UserEntry(token_file=str(file)), clock=clock)
    file.unlink() if content is None else file.write_text(content)
    clock.now += READ_AGAIN
    assert source.current().token == "first-token"
    file.write_text("second-token")
    assert source.current().token == "second-token"


@pytest.mark.parametrize("content", [b"", b"\n", b"two words", b"\xff\xfe", "töken".encode()])
def test_a_file_without_a_token_is_an_error_from_the_start(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(KubeconfigError, match="token file"):
        Given(UserEntry(token_file=str(file)))
    with pytest.raises(KubeconfigError, match="cannot be read: No such file"):
        Given(UserEntry(token_file=f"{file}.missing"))


def test_the_file_goes_before_the_token_as_long_as_it_can_be_read(file: Path) -> None:
    user = UserEntry(token="fixed-token", token_file=str(file))
    assert Given(user).current().token == "first-token"
    file.unlink()
    source = Given(user)
    assert source.current().token == "fixed-token"
    file.write_text("second-token")
    assert source.current().token == "second-token"


@pytest.mark.parametrize(
    "token", [" a-token", "a-token ", "a token", "a\ttoken", "a-token\n", "tök-en", "a-token\x7f"]
)
def test_a_token_that_a_server_would_read_otherwise_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(KubeconfigError) as caught:
        Given(UserEntry(token=token))
    assert token.strip() not in str(caught.value)


def test_certificates_from_data_and_files(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"key one")
    user = UserEntry(certificate=b"certificate", key_file=str(tmp_path / "key"))
    source = Given(user)
    assert source.current().pair == KeyPair(b"certificate", b"key one")
    (tmp_path / "key").write_bytes(b"the second key")
    assert source.current().pair == KeyPair(b"certificate", b"the second key")
    assert b"second" not in repr(source.current()).encode()


def test_nobody_has_nothing() -> None:
    assert Nobody().current() == Identity()
    assert Nobody().renewed(Identity()) is None


def test_tokens_are_masked_and_the_oldest_of_very_many_no_longer(monkeypatch) -> None:
    monkeypatch.setattr(credentials, "_KEPT", 3)
    monkeypatch.setattr(credentials, "_rotated", {})
    tokens = [f"zq-{number}-opaque" for number in range(5)]
    for token in tokens:
        credentials.checked_token(token, "here")
    assert [redact(f"x {token} y") == "x *** y" for token in tokens] == [False, False, True, True, True]
