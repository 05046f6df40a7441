"""Which hosts a URL of somebody else must not lead to, however they are written."""

import pytest

from towpath.adapters.hosts import is_metadata, is_private, leads_to_metadata


@pytest.mark.parametrize(
    ("host", "private"),
    [
        ("127.0.0.1", True), ("10.1.2.3", True), ("192.168.0.1", True), ("169.254.169.254", True),
        ("::1", True), ("[fd00::1]", True), ("localhost", True), ("LOCALHOST.", True),
        ("x.localhost", True),
        ("metadata.google.internal", True), ("0.0.0.0", True), ("8.8.8.8", False), ("example.com", False),
        ("2606:4700::1", False), ("", False),
        ("2130706433", True), ("0x7f.1", True), ("127.1", True), ("::ffff:10.0.0.1", True),
        ("fe80::1%eth0", True),
        ("0010.0.0.1", False), ("3com.example", False), ("134744072", False), ("::ffff:8.8.8.8", False),
    ],
)  # fmt: skip
def test_addresses_of_a_private_network_are_known(host: str, *, private: bool) -> None:
    assert is_private(host) is private


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254", "169.254.169.254.", "2852039166", "0xA9FEA9FE", "0xa9.0xfe.0xa9.0xfe",
        "169.254.43518", "0251.0376.0251.0376", "[::ffff:169.254.169.254]", "::ffff:a9fe:a9fe",
        "fe80::1%eth0", "FD00:EC2:0::254", "Metadata.Google.Internal.",
    ],
)  # fmt: skip
def test_a_metadata_service_is_known_however_it_is_written(host: str) -> None:
    assert is_metadata(host)
    assert is_private(host)


@pytest.mark.parametrize(
    "host", ["169.253.169.254", "example.com", "", "1.2.3.4.5", "fd00:ec2::253", "127.0.0.1"]
)
def test_other_hosts_are_no_metadata_service(host: str) -> None:
    assert not is_metadata(host)


def test_a_name_with_the_address_of_a_metadata_service_leads_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"imds.example": ["198.51.100.1", "169.254.169.254"], "web.example": ["198.51.100.1"]}

    def getaddrinfo(host: str, *_args: object, **_kwargs: object) -> list[tuple[object, ...]]:
        if host not in known:
            raise OSError("not known")
        return [(0, 0, 0, "", (each, 0)) for each in known[host]]

    monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)
    assert leads_to_metadata("imds.example")
    assert not leads_to_metadata("web.example")
    assert not leads_to_metadata("nobody.example")
