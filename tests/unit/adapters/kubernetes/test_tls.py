"""Against a real TLS server, with certificates made here."""

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from towpath.adapters.kubernetes.fields import KubeconfigError
from towpath.adapters.kubernetes.tls import KeyPair, WatchedFiles, client_context, read_file

PLAIN = serialization.NoEncryption()


def make(name: str, issuer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None = None, **kinds: bool):
    """A certificate without the identifiers of keys that newer Pythons ask for."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=kinds.get("ca", False), path_length=None), critical=True)
    )
    if not kinds.get("ca"):
        names = [x509.DNSName("server.test"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(issuer[1] if issuer else key, hashes.SHA256()), key


def pem(made, encryption: serialization.KeySerializationEncryption = PLAIN) -> KeyPair:
    certificate, key = made
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return KeyPair(certificate.public_bytes(form[0]), key.private_bytes(*form, encryption))


ROOT = make("root", ca=True)
MIDDLE = make("middle", ROOT, ca=True)
SERVER = make("server", MIDDLE)


@pytest.fixture
def address(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """A server that ends each connection after the handshake; it shows its certificate only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (tmp_path / "server").write_bytes(pem(SERVER).certificate + pem(SERVER).key)
    context.load_cert_chain(tmp_path / "server")

    def serve(listening: socket.socket) -> None:
        while True:
            try:
                plain, _ = listening.accept()
            except OSError:
                return
            try:
                context.wrap_socket(plain, server_side=True).close()
            except OSError:
                plain.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, args=(listening,), daemon=True).start()
        yield listening.getsockname()
        listening.shutdown(socket.SHUT_RDWR)


def shake(address: tuple[str, int], authority: bytes, name: str = "127.0.0.1") -> bool:
    context = client_context(authority, None)
    with socket.create_connection(address, 5) as plain:
        try:
            context.wrap_socket(plain, server_hostname=name).close()
        except ssl.SSLCertVerificationError:
            return False
        return True


def test_any_trusted_certificate_is_an_anchor(address) -> None:
    """As for Go: the intermediate one, and the server's own, without identifiers of keys."""
    assert shake(address, pem(MIDDLE).certificate)
    assert shake(address, pem(SERVER).certificate)
    assert not shake(address, pem(ROOT).certificate)  # to which the server shows no way
    assert not shake(address, pem(make("other", ca=True)).certificate)
    assert not shake(address, b"")


def test_the_name_is_verified(address) -> None:
    assert shake(address, pem(MIDDLE).certificate, "server.test")
    assert not shake(address, pem(MIDDLE).certificate, "other.test")


def test_of_an_authority_what_can_be_read_is_trusted(address) -> None:
    broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    assert shake(address, b"# notes \xff\n" + broken + pem(MIDDLE).certificate + b"more")
    for nothing in (broken, b"text", pem(MIDDLE).key):
        with pytest.raises(KubeconfigError, match="holds no certificate"):
            client_context(nothing, None)


def test_key_pairs_are_loaded_without_a_file_on_disk(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = len(list(Path("/proc/self/fd").iterdir()))
    client_context(b"", pem(SERVER))
    assert not list(tmp_path.iterdir())
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        (KeyPair(pem(SERVER).certificate, pem(MIDDLE).key), "key values mismatch"),
        (KeyPair(pem(SERVER).certificate, b"text"), "cannot be used together"),
        (KeyPair(b"text", pem(SERVER).key), "cannot be used together"),
        (pem(SERVER, serialization.BestAvailableEncryption(b"x")), "key is encrypted"),
    ],
)
def test_pairs_that_are_no_good(pair: KeyPair, message: str) -> None:
    with pytest.raises(KubeconfigError, match=message):
        client_context(b"", pair)


def test_files_are_read_again_when_they_have_changed(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("one")
    second.write_text("two")
    files = WatchedFiles(str(first), str(second))
    assert files.contents() == (b"one", b"two")
    (tmp_path / "new").write_text("ONE")
    (tmp_path / "new").rename(first)
    assert files.contents() == (b"ONE", b"two")
    second.unlink()
    assert files.contents() == (b"ONE", b"two")
    second.write_text("three")
    assert files.contents() == (b"ONE", b"three")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for file in (tmp_path / "missing", tmp_path):
        with pytest.raises(KubeconfigError, match=f"{file} cannot be read"):
            WatchedFiles(str(file))
    with pytest.raises(KubeconfigError, match="cannot be read"):
        read_file("a\0b")
