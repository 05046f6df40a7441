"""Formats of texts in CustomResourceDefinitions; each verdict is that of an API server."""

import pytest

from towpath.schemas.custom_formats import CUSTOM_FORMATS

TAKEN = {
    "ipv4": ["1.2.3.4", "::ffff:1.2.3.4", "01.2.3.4"],
    "ipv6": ["::1", "::ffff:1.2.3.4", "2001:DB8::1"],
    "cidr": ["10.0.0.0/8", "10.0.0.1/8", "fd00::/8", "010.0.0.0/8", "10.0.0.0/08"],
    "mac": [
        "00:11:22:33:44:55",
        "00-11-22-33-44-55",
        "0011.2233.4455",
        "001122334455",
        "00:11:22:33:44:55:66:77",
    ],
    "uuid": ["6f1c8f0e-0000-4000-8000-000000000000", "6F1C8F0E000040008000000000000000"],
    "date": ["2025-01-31", "0000-01-01"],
    "duration": ["1h", "1h30m", "1 day", "3 weeks", "-1h", "0", "1d2h", " 1h", "1µs"],
    "uri": ["http://a", "/a", "a:b", "//a", "http://a/é", "mailto:x@y", "urn:x"],
    "k8s-short-name": ["a", "1a"],
    "k8s-long-name": ["a.b"],
    "date-time": ["2025-01-01T00:00:00Z", "2025-01-01t00:00:00z", "2025-01-01T00:00:00.5+01:00"],
}
REFUSED = {
    "ipv4": ["1.2.3.256", "1.2.3", "::1", "1.2.3.4/8", " 1.2.3.4"],
    "ipv6": ["1.2.3.4", "fe80::1%eth0", "g::1"],
    "cidr": ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/255.0.0.0"],
    "mac": ["00:11:22:33:44", "gg:11:22:33:44:55", "00:11-22:33:44:55"],
    "uuid": ["6f1c8f0e-0000-4000-8000-00000000000", "{6f1c8f0e-0000-4000-8000-000000000000}", "a"],
    "date": ["2025-02-30", "2025-1-1", "20250101", "2025-01-01T00:00:00Z"],
    "duration": ["10", "a", "h"],
    "uri": ["a", "http://a b", "1:2"],
    "k8s-short-name": ["A", "a.b", "a-", "a" * 64],
    "k8s-long-name": ["A", "a..b", "a_b", "a" * 254],
    "date-time": [
        "2025-01-01T00:00:00",
        "2025-01-01 00:00:00Z",
        "2025-13-01T00:00:00Z",
        "2025-02-30T00:00:00Z",
    ],
}


@pytest.mark.parametrize("name", list(CUSTOM_FORMATS))
def test_texts_are_judged_as_by_a_server(name: str) -> None:
    matches = CUSTOM_FORMATS[name].matches
    assert [text for text in TAKEN[name] if not matches(text)] == []
    assert [text for text in [*REFUSED[name], ""] if matches(text)] == []
