import sys
from pathlib import Path

import pytest

from towpath.adapters.kubernetes import connect, in_cluster
from towpath.errors import MissingPartError


@pytest.fixture
def account(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setattr(in_cluster, "SERVICE_ACCOUNT", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    return tmp_path


def test_token_and_authority_are_files(account: Path) -> None:
    (account / "token").write_text("t0ken")
    (account / "ca.crt").write_text("certificate")
    chosen = in_cluster.chosen_inside()
    assert chosen.cluster.server == "https://[fd00::1]:443"
    assert chosen.cluster.authority_file == f"{account}/ca.crt"
    assert chosen.user.token_file == f"{account}/token"


def test_it_is_found_once_for_all_that_are_forked_from_here(account: Path, monkeypatch) -> None:
    monkeypatch.setattr(in_cluster, "_found", None)
    in_cluster.find_inside()
    with pytest.raises(MissingPartError, match="Service token file does not exist"):
        connect()
    (account / "token").write_text("t0ken")
    (account / "ca.crt").write_text("certificate")
    in_cluster.find_inside()
    monkeypatch.setitem(sys.modules, "kubernetes", None)
    chosen = in_cluster.chosen_inside()
    assert chosen.cluster.server == "https://[fd00::1]:443"
    assert chosen.user.token_file == f"{account}/token"


def test_without_one_of_them_nothing_is_sent(account: Path) -> None:
    unusable = f"pod's service account cannot be used: {account}"
    with pytest.raises(MissingPartError, match=f"{unusable}: Service token file does not exist"):
        connect()
    (account / "token").write_text("")
    with pytest.raises(MissingPartError, match=f"{unusable}: Token file exists but empty"):
        connect()
    (account / "token").write_bytes(b"\xff")
    with pytest.raises(MissingPartError, match=f"{unusable} cannot be read"):
        connect()
    (account / "token").write_text("t0ken")
    with pytest.raises(MissingPartError, match=f"{unusable}: Service certification file does not exist"):
        connect()
    (account / "ca.crt").write_text("no certificate")
    with pytest.raises(MissingPartError, match="holds no certificate"):
        connect()


@pytest.mark.parametrize("name", ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"])
def test_outside_of_a_pod(account: Path, monkeypatch, name: str) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(MissingPartError, match="no service account"):
        in_cluster.chosen_inside()
