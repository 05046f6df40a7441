"""Users of kubeconfigs, and who the API server should see."""

from collections.abc import Callable

from cryptography.hazmat.primitives import serialization

from tests.integration.kubeconfigs import (
    ADMIN,
    ANONYMOUS,
    ONE,
    REFUSED,
    TWO,
    Site,
    admin_as,
    certificate_files,
    in_lines,
    with_user,
)


def _token_file(content: Callable[[str], str]) -> Callable[[Site], object]:
    return lambda site: {"tokenFile": site.file("token", content(site.tokens["one"]))}


def _both(site: Site) -> object:
    return {"token": site.tokens["two"], "tokenFile": site.file("token", site.tokens["one"])}


def _encrypted_key(site: Site) -> object:
    key = serialization.load_pem_private_key(site.pem("admin.key"), None)
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    file = site.file("key", key.private_bytes(*form, serialization.BestAvailableEncryption(b"x")))
    return {"client-certificate-data": site.data("admin.crt"), "client-key": file}


_TOKENS = (
    with_user("token", ONE, lambda site: {"token": site.tokens["one"]}),
    with_user("unknown token", REFUSED, lambda _: {"token": "no-such-token"}),
    with_user("token with line break", REFUSED, lambda site: {"token": site.tokens["one"] + "\n"}),
    with_user("token after a space", REFUSED, lambda site: {"token": " " + site.tokens["one"]}, ANONYMOUS),
    with_user("token before a word", REFUSED, lambda site: {"token": site.tokens["one"] + " x"}, ONE),
    with_user("token is a number", REFUSED, lambda _: {"token": 123456}),
    with_user("token null", REFUSED, lambda _: {"token": None}),
    with_user("token file", ONE, _token_file(lambda token: token)),
    with_user("token file with line break", ONE, _token_file(lambda token: f"\n {token} \r\n")),
    with_user("token file empty", REFUSED, _token_file(lambda _: "")),
    with_user("token file of white space", REFUSED, _token_file(lambda _: " \n")),
    with_user("token file missing", REFUSED, lambda _: {"tokenFile": "missing"}),
    with_user("token file is a folder", REFUSED, lambda site: {"tokenFile": str(site.folder)}),
    with_user("token file before token", ONE, _both),
    with_user(
        "token where its file is missing", TWO, lambda s: {"token": s.tokens["two"], "tokenFile": "missing"}
    ),
    with_user("token and certificate", ADMIN, lambda site: {**site.certificate, "token": site.tokens["one"]}),
)
_CERTIFICATES = (
    with_user("certificate data", ADMIN, lambda site: site.certificate),
    with_user("certificate files", ADMIN, certificate_files),
    with_user(
        "empty certificate data beside files",
        ADMIN,
        lambda site: {**certificate_files(site), "client-certificate-data": "", "client-key-data": None},
    ),
    with_user(
        "certificate data and file",
        REFUSED,
        lambda site: {**site.certificate, "client-certificate": site.file("x", site.pem("admin.crt"))},
    ),
    with_user(
        "certificate without key", REFUSED, lambda site: {"client-certificate-data": site.data("admin.crt")}
    ),
    with_user("key without certificate", REFUSED, lambda site: {"client-key-data": site.data("admin.key")}),
    with_user(
        "key of another", REFUSED, lambda site: {**site.certificate, "client-key-data": site.data("etcd.key")}
    ),
    with_user(
        "certificate no base64", REFUSED, lambda site: {**site.certificate, "client-certificate-data": "%"}
    ),
    with_user("encrypted key", REFUSED, _encrypted_key),
    with_user(
        "base64 in lines",
        ADMIN,
        lambda site: {**site.certificate, "client-key-data": in_lines(site.data("admin.key"))},
    ),
)


def _oidc(site: Site) -> object:
    told = {"idp-issuer-url": "https://127.0.0.1:1", "client-id": "c", "id-token": site.tokens["one"]}
    return {"auth-provider": {"name": "oidc", "config": told}}


_OTHERS = (
    with_user("no user", REFUSED, lambda _: None),
    with_user("empty user", REFUSED, lambda _: {}),
    with_user("username and password", REFUSED, lambda _: {"username": "a", "password": "b"}, ANONYMOUS),
    with_user(
        "password and token", REFUSED, lambda s: {"username": "a", "password": "b", "token": s.tokens["one"]}
    ),
    with_user("auth-provider that is gone", REFUSED, lambda _: {"auth-provider": {"name": "gcp"}}),
    with_user("auth-provider oidc", REFUSED, _oidc, ONE),
    with_user("unknown keys", ADMIN, lambda site: {**site.certificate, "As": "nobody", "colour": [1]}),
)
_IMPERSONATION = (
    admin_as("as", "nobody", **{"as": "nobody"}),
    admin_as("as with groups", "nobody", **{"as": "nobody", "as-groups": ["a", "b, c"]}),
    admin_as("as with uid", "nobody", **{"as": "nobody", "as-uid": "42"}),
    admin_as(
        "as with extra",
        "nobody",
        **{"as": "nobody", "as-user-extra": {"a.b/c%d": ["1", "2"], "Scopes": ["x"]}},
    ),
    admin_as(
        "as with letters of other languages", "jürgen 李", **{"as": "jürgen 李", "as-groups": ["größe"]}
    ),
    admin_as("as service account", ONE, **{"as": ONE}),
    admin_as("groups without as", REFUSED, **{"as-groups": ["system:masters"]}),
    admin_as("uid without as", REFUSED, **{"as-uid": "1"}),
    admin_as("as with line break", REFUSED, **{"as": "nobody\nX: y"}),
    admin_as("groups of the wrong type", REFUSED, **{"as": "nobody", "as-groups": "system:masters"}),
    admin_as("extra of the wrong type", REFUSED, **{"as": "nobody", "as-user-extra": {"a": "b"}}),
    admin_as("an empty group", "nobody", **{"as": "nobody", "as-groups": ["", "g"]}),
    admin_as("extra without values", "nobody", **{"as": "nobody", "as-user-extra": {"a": [], "b": None}}),
    admin_as("as is empty", ADMIN, **{"as": "", "as-groups": []}),
    with_user("as without the right", REFUSED, lambda s: {"token": s.tokens["one"], "as": "second-admin"}),
    with_user("as without credentials", REFUSED, lambda _: {"as": "system:admin"}),
)

USERS = (*_TOKENS, *_CERTIFICATES, *_OTHERS, *_IMPERSONATION)
