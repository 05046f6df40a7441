"""A certificate authority per stack, and a certificate per part."""

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from towpath.local.common.files import write_private

AUTHORITY = "ca"
SERVICE_ACCOUNTS = "service-accounts"
_VALID = datetime.timedelta(days=3650)
_RENEW = datetime.timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Subject:
    """The subject of a certificate: Kubernetes reads `name` as user and `groups` as the user's groups."""

    name: str
    groups: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


def subjects(node: str, node_address: str, service_address: str) -> dict[str, Subject]:
    """File name -> subject, for every part of the cluster."""
    loopback = ("127.0.0.1", "localhost")
    cluster = tuple(f"kubernetes{end}" for end in ("", ".default", ".default.svc"))
    return {
        "etcd": Subject("etcd", hosts=loopback),
        "etcd-client": Subject("kube-apiserver"),
        "apiserver": Subject("kube-apiserver", hosts=(*loopback, service_address, *cluster)),
        "apiserver-kubelet": Subject("kube-apiserver-kubelet-client", ("system:masters",)),
        "kubelet-serving": Subject(f"system:node:{node}", ("system:nodes",), (*loopback, node, node_address)),
        "kubelet": Subject(f"system:node:{node}", ("system:nodes",)),
        "controller-manager": Subject("system:kube-controller-manager", hosts=loopback),
        "scheduler": Subject("system:kube-scheduler", hosts=loopback),
        "admin": Subject("towpath-admin", ("system:masters",)),
    }


def ensure_certificates(folder: Path, subjects_by_file: dict[str, Subject]) -> None:
    """Write `<name>.crt` and `<name>.key` (mode 0600) for each subject without a valid certificate."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not (folder / f"{SERVICE_ACCOUNTS}.key").exists():
        key = ec.generate_private_key(ec.SECP256R1())
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        write_private(folder / f"{SERVICE_ACCOUNTS}.pub", public)
        write_private(folder / f"{SERVICE_ACCOUNTS}.key", _pem(key))
    if not _is_good(folder / f"{AUTHORITY}.crt", ()):
        for certificate in folder.glob("*.crt"):
            certificate.unlink()
        key = ec.generate_private_key(ec.SECP256R1())
        write_private(folder / f"{AUTHORITY}.key", _pem(key))
        write_private(folder / f"{AUTHORITY}.crt", _certify(Subject("towpath local"), key, None, key))
    authority_key = serialization.load_pem_private_key((folder / f"{AUTHORITY}.key").read_bytes(), None)
    authority = x509.load_pem_x509_certificate((folder / f"{AUTHORITY}.crt").read_bytes())
    if not isinstance(authority_key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{folder / AUTHORITY}.key is not an elliptic-curve key")
    for name, subject in subjects_by_file.items():
        if not _is_good(folder / f"{name}.crt", subject.hosts):
            key = ec.generate_private_key(ec.SECP256R1())
            write_private(folder / f"{name}.key", _pem(key))
            write_private(folder / f"{name}.crt", _certify(subject, key, authority, authority_key))


def _certify(
    subject: Subject,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
) -> bytes:
    name = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in subject.groups]
        + [x509.NameAttribute(NameOID.COMMON_NAME, subject.name)]
    )
    now = datetime.datetime.now(datetime.UTC)
    signer = issuer_key.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + _VALID)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if issuer is None:
        builder = builder.add_extension(_key_usage(signs=True), critical=True)
    else:
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH]
        if subject.hosts:
            usages.append(ExtendedKeyUsageOID.SERVER_AUTH)
            builder = builder.add_extension(
                x509.SubjectAlternativeName(_hosts(subject.hosts)), critical=False
            )
        builder = builder.add_extension(_key_usage(signs=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _key_usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _hosts(hosts: Sequence[str]) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = []
    for host in hosts:
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            names.append(x509.DNSName(host))
    return names


def _is_good(path: Path, hosts: Sequence[str]) -> bool:
    """Whether certificate and key exist, and are valid for 90 days more and for these hosts."""
    if not path.exists() or not path.with_suffix(".key").exists():
        return False
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    if certificate.not_valid_after_utc < datetime.datetime.now(datetime.UTC) + _RENEW:
        return False
    if not hosts:
        return True
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    return {str(name.value) for name in names} == set(hosts)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
