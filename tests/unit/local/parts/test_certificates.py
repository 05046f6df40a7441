"""Certificates: made once, renewed when they no longer fit, readable by their owner alone."""

from pathlib import Path

from cryptography import x509

from towpath.local.parts.certificates import ensure_certificates, subjects

WANTED = subjects("towpath", "10.244.77.1", "10.96.77.1")


def test_every_part_gets_one_signed_by_our_authority(tmp_path: Path) -> None:
    ensure_certificates(tmp_path, WANTED)
    authority = x509.load_pem_x509_certificate((tmp_path / "ca.crt").read_bytes())
    for name, subject in WANTED.items():
        certificate = x509.load_pem_x509_certificate((tmp_path / f"{name}.crt").read_bytes())
        certificate.verify_directly_issued_by(authority)
        assert subject.name in certificate.subject.rfc4514_string()
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_only_the_admin_and_the_api_server_are_masters() -> None:
    masters = {name for name, subject in WANTED.items() if "system:masters" in subject.groups}
    assert masters == {"admin", "apiserver-kubelet"}


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    ensure_certificates(tmp_path, WANTED)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    ensure_certificates(tmp_path, WANTED)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_another_address_renews_only_what_names_it(tmp_path: Path) -> None:
    ensure_certificates(tmp_path, WANTED)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.crt")}
    ensure_certificates(tmp_path, subjects("towpath", "10.244.99.1", "10.96.77.1"))
    changed = {name for name, content in before.items() if (tmp_path / name).read_bytes() != content}
    assert changed == {"kubelet-serving.crt"}


def test_a_lost_authority_makes_all_new(tmp_path: Path) -> None:
    ensure_certificates(tmp_path, WANTED)
    before = (tmp_path / "admin.crt").read_bytes()
    (tmp_path / "ca.crt").unlink()
    ensure_certificates(tmp_path, WANTED)
    assert (tmp_path / "admin.crt").read_bytes() != before
