"""The chart's `sso`: a real oauth2-proxy before a real Prefect server, with a real OIDC issuer."""

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.chart import needs_helm
from tests.interop.issuer import running_issuer
from tests.interop.signed_in import HOST, Browser, Place, basic, signed_in_place
from tests.interop.stores import SECRET, Stores, until

pytestmark = [needs_helm, pytest.mark.timeout(1800)]

PEOPLE = {
    "alice": ["delivery", "developers"],
    "vic": ["developers"],
    "comma": ["developers", "x,delivery", "x,MARK:delivery"],
    "eve": ["others"],
    "nobody": [],
}
FLOWS = ("POST", "/api/flows/filter", b"{}")
MAKE = ("POST", "/api/flows/", b'{"name": "made-by-hand"}')


@pytest.fixture(scope="module")
def place(stores: Stores, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("sso")
    with running_issuer(folder) as issuer:
        issuer.people.update(PEOPLE)
        with signed_in_place(stores, issuer, folder) as made:
            yield made


def signed_in(place: Place, person: str) -> Browser:
    browser = place.browser(person)
    assert browser.sign_in("/dashboard").status == 200
    assert browser.cookies
    return browser


def test_without_a_session_pages_lead_to_the_issuer_and_the_api_refuses(place: Place) -> None:
    browser = place.browser()
    page = browser.ask("GET", "/", Accept="text/html")
    assert page.status == 302
    assert page.location.startswith(f"{place.issuer.url}/authorization?")
    assert "code_challenge_method=S256" in page.location
    for method, path, body in (
        FLOWS,
        MAKE,
        ("GET", "/api/health", None),
        ("GET", "/api/admin/version", None),
    ):
        assert browser.ask(method, path, body).status == 401


def test_a_member_of_a_group_reads_and_writes_and_is_asked_for_no_credential(place: Place) -> None:
    browser = signed_in(place, "alice")
    assert json.loads(browser.ask("GET", "/ui-settings").body)["api_url"] == f"https://{HOST}/api"
    assert browser.ask("GET", "/api/admin/version").status == 200, "what Prefect's UI asks before its form"
    assert browser.ask(*MAKE, Origin=f"https://{HOST}").status == 201
    names = [each["name"] for each in json.loads(browser.ask(*FLOWS).body)]
    assert "made-by-hand" in names


def test_the_session_s_cookie_is_kept_from_pages_and_from_other_sites(place: Place) -> None:
    browser = place.browser("alice")
    page = browser.ask("GET", "/", Accept="text/html")
    browser.sign_in()
    for line in page.cookies:
        assert line.startswith("__Host-towpath")
        assert {"Path=/", "HttpOnly", "Secure", "SameSite=Lax"} <= set(line.split("; "))


@pytest.mark.parametrize("person", ["vic", "comma"])
def test_a_viewer_looks_and_changes_nothing(place: Place, person: str) -> None:
    browser = signed_in(place, person)
    assert browser.ask(*FLOWS).status == 200
    refused = browser.ask(*MAKE)
    assert (refused.status, json.loads(refused.body)["detail"]) == (
        403,
        "Your groups may look, and change nothing.",
    )
    assert browser.ask("POST", "/api/block_documents/filter", b'{"include_secrets": true}').status == 403
    assert browser.ask("GET", "/api/csrf-token?client=x").status == 403


@pytest.mark.parametrize("person", ["eve", "nobody"])
def test_others_are_refused(place: Place, person: str) -> None:
    browser = place.browser(person)
    assert browser.sign_in().status == 403
    assert browser.ask(*FLOWS).status == 401


def way_in(place: Place) -> dict[str, dict[str, str]]:
    """What somebody outside may send, who has no session."""
    stranger = rsa.generate_private_key(65537, 2048)
    claims = {"iss": place.issuer.url, "aud": "towpath", "sub": "alice", "exp": int(time.time()) + 600}
    claims |= {"email": "alice@example.com", "email_verified": True, "groups": ["delivery"]}
    return {
        "names of headers that proxies send": {
            "X_Forwarded_User": "alice", "X_Forwarded_Email": "alice@example.com",
            "X_Forwarded_Groups": "delivery", "X_Auth_Request_User": "alice", "X_Towpath_Sso": "people",
            "X_Towpath_Groups": "delivery", "X_Forwarded_For": "127.0.0.1", "X_Real_IP": "127.0.0.1",
            "X_Forwarded_Uri": "/ping",
        },
        "the server's credential": {"Authorization": basic(SECRET)},
        "a token without signature": {"Authorization": "Bearer " + jwt.encode(claims, None, "none")},
        "a token of another key": {"Authorization": "Bearer " + jwt.encode(claims, stranger, "RS256")},
        "a token of the issuer": {"Authorization": "Bearer " + place.issuer.id_token("alice")},
        "a cookie of one's own": {"Cookie": "__Host-towpath=" + jwt.encode(claims, "x" * 32, "HS256")},
    }  # fmt: skip


def test_nothing_sent_from_outside_is_a_way_in(place: Place) -> None:
    for what, headers in way_in(place).items():
        for method, path, body in (FLOWS, MAKE):
            assert place.browser().ask(method, path, body, **headers).status == 401, what


def test_nothing_sent_from_outside_makes_a_viewer_more(place: Place) -> None:
    browser = signed_in(place, "vic")
    for what, headers in way_in(place).items():
        if "Cookie" in headers:
            continue
        assert browser.ask(*MAKE, **headers).status == 403, what
        assert browser.ask(*FLOWS, **headers).status == 200, what
    connection = http.client.HTTPConnection("127.0.0.1", place.proxy, timeout=60)
    cookie = f"__Host-towpath={browser.cookies['__Host-towpath']}"
    sent = {
        "Host": HOST,
        "Cookie": cookie,
        "X_Towpath_Groups": "delivery",
        "Content-Type": "application/json",
    }
    connection.request(*MAKE, sent)
    assert connection.getresponse().status == 403, "underscores for dashes"


@pytest.mark.parametrize(
    "forged",
    [
        {"key": None, "algorithm": "none"},
        {"key": "s" * 32, "algorithm": "HS256"},
        {"key": rsa.generate_private_key(65537, 2048)},
        {"aud": "another-client"},
        {"iss": "https://another.example.com"},
        {"exp": 1},
        {"nonce": "of-another-sign-in"},
        {"email_verified": False},
    ],
    ids=["unsigned", "shared-secret", "other-key", "audience", "issuer", "expired", "nonce", "email"],
)
def test_a_token_that_does_not_hold_signs_nobody_in(place: Place, forged: dict[str, Any]) -> None:
    browser = place.browser("alice")
    place.issuer.forge.update(forged)
    try:
        assert browser.sign_in().status in (403, 500)
    finally:
        place.issuer.forge.clear()
    assert browser.ask(*FLOWS).status == 401


def test_signing_out_ends_the_session_also_for_whoever_has_copied_it(place: Place) -> None:
    browser = signed_in(place, "alice")
    copy = Browser(place.proxy, place.ca, cookies=dict(browser.cookies))
    assert copy.ask(*FLOWS).status == 200
    assert browser.ask("GET", "/oauth2/sign_out").status == 302
    assert "__Host-towpath" not in browser.cookies
    assert copy.ask(*FLOWS).status == 401


def test_whoever_leaves_the_group_or_the_company_is_out_at_the_next_refresh(place: Place) -> None:
    for name, after in (("bob", ["others"]), ("carol", None)):
        place.issuer.people[name] = ["delivery"]
        browser = signed_in(place, name)
        if after is None:
            del place.issuer.people[name]
        else:
            place.issuer.people[name] = after
        until(lambda browser=browser: browser.ask(*FLOWS).status in (401, 403), 60)  # type: ignore[misc]
        assert browser.ask(*FLOWS).status in (401, 403)


def test_a_page_of_another_site_does_nothing_with_somebody_s_session(place: Place) -> None:
    browser = signed_in(place, "alice")
    for origin in ("https://evil.example.com", "null"):
        assert browser.ask(*MAKE, Origin=origin).status == 403


def test_web_sockets_pass_with_a_session_only(place: Place) -> None:
    """Prefect asks for its credential in the first message, too."""
    url = f"ws://127.0.0.1:{place.proxy}/api/events/out"
    browser = signed_in(place, "alice")
    cookie = {"Cookie": f"__Host-towpath={browser.cookies['__Host-towpath']}"}
    protocol: Any = ["prefect"]
    with pytest.raises(InvalidStatus, match="401"), connect(url, subprotocols=protocol):
        pass
    with connect(url, subprotocols=protocol, additional_headers=cookie) as socket:
        socket.send(json.dumps({"type": "auth", "token": SECRET}))
        assert json.loads(socket.recv(30)) == {"type": "auth_success"}
    with connect(url, subprotocols=protocol, additional_headers=cookie) as socket:
        socket.send(json.dumps({"type": "auth", "token": "another"}))
        with pytest.raises(ConnectionClosed):
            socket.recv(30)
    evil: Any = "https://evil.example.com"
    with (
        pytest.raises(InvalidStatus, match="403"),
        connect(url, origin=evil, subprotocols=protocol, additional_headers=cookie),
    ):
        pass


def test_agents_go_by_the_credential_and_not_by_the_proxy(place: Place) -> None:
    for credential, status in ((SECRET, 200), ("admin:another", 401)):
        connection = http.client.HTTPConnection("127.0.0.1", place.server, timeout=60)
        headers = {"Authorization": basic(credential), "Content-Type": "application/json"}
        connection.request(*FLOWS, headers)
        assert connection.getresponse().status == status


def test_logs_have_names_and_no_secrets(place: Place) -> None:
    text = place.log.read_text()
    assert "alice@example.com" in text
    assert SECRET.partition(":")[2] not in text
    assert basic(SECRET) not in text
