"""Values that are wrong or missing are refused, and the message says what to set."""

from typing import Any

import pytest

from tests.chart import EXAMPLES, RenderError, example, needs_helm, rendered

pytestmark = needs_helm

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "unknown-key": ({"replicas": 2}, "additional properties 'replicas' not allowed"),
    "unknown-key-deep": ({"server.replica": 2}, "additional properties 'replica' not allowed"),
    "unknown-key-of-agent": ({"agents.dev": {"name": "x"}}, "additional properties 'name' not allowed"),
    "a-tag": ({"image.tag": "1.0"}, "additional properties 'tag' not allowed"),
    "digest-that-is-none": ({"image.digest": "sha256:12"}, "/image/digest"),
    "no-image": ({"image.digest": ""}, "no image: set image.repository and image.digest"),
    "repository-without-its-digest": (
        {"server.image.digest": ""},
        "server.image.repository is set and server.image.digest is not",
    ),
    "password-in-values": ({"database.password": "x"}, "additional properties 'password' not allowed"),
    "no-password": ({"database.passwordSecret.name": ""}, "database.passwordSecret.name is not set"),
    "no-database": ({"database.host": ""}, "database.host is not set"),
    "no-redis": ({"redis.urlSecret.name": ""}, "redis.urlSecret.name is not set"),
    "no-credential": ({"prefect.authSecret.name": ""}, "prefect.authSecret.name is not set"),
    "no-server-and-no-address": ({"server.enabled": False}, "prefect.url is not set"),
    "address-without-api": ({"prefect.url": "https://prefect.example.com"}, "/prefect/url"),
    "no-repository": ({"repository.url": ""}, "repository.url is not set"),
    "credentials-in-url": ({"repository.url": "https://me:secret@git.example.com/x.git"}, "/repository/url"),
    "no-login": (
        {"repository.netrcSecret": ""},
        "set repository.netrcSecret (https) or repository.sshSecret",
    ),
    "two-logins": (
        {"repository.sshSecret": "key"},
        "set repository.netrcSecret (https) or repository.sshSecret",
    ),
    "agent-called-build": ({"agents.build": {}}, "agents.build: the name is reserved"),
    "name-of-no-environment": ({"agents": {"Prod_EU": {}}}, "additional properties 'Prod_EU' not allowed"),
    "context-without-kubeconfig": ({"agents.dev": {"context": "x"}}, "kubeconfigSecret"),
    "no-docker": ({"build.docker.host": ""}, "build.docker.host is not set"),
    "two-builders": (
        {"build.buildkit.host": "tcp://b:1"},
        "build.docker.host and build.buildkit are both set",
    ),
    "builder-without-certificate": (
        {"build.docker.host": "", "build.buildkit.host": "tcp://b:1"},
        "build.buildkit.tlsSecret is not set",
    ),
    "no-push": ({"build.registrySecret": ""}, "build.registrySecret is not set"),
    "no-door-host": ({"door.host": ""}, "door.host is not set"),
    "no-door-secret": ({"door.secret": ""}, "door.secret is not set"),
    "no-certificate": ({"server.ingress.tlsSecret": ""}, "server.ingress.tlsSecret is not set"),
    "no-replica": ({"server.replicas": 0}, "/server/replicas"),
    "texts-as-numbers": ({"server.replicas": "2"}, "/server/replicas"),
    "door-s-own-keys": ({"door.config.listen": "0.0.0.0:1"}, "additional properties 'listen' not allowed"),
}


@pytest.mark.parametrize("case", WRONG)
def test_it_is_refused(case: str) -> None:
    changes, message = WRONG[case]
    with pytest.raises(RenderError) as caught:
        rendered(example("all-in-one"), changes)
    assert message in str(caught.value)


def test_without_any_values_the_first_thing_that_is_missing_is_named() -> None:
    with pytest.raises(RenderError, match=r"is not set|no image"):
        rendered()


@pytest.mark.parametrize("values", EXAMPLES, ids=lambda path: path.stem)
def test_no_secret_is_rendered(values: object) -> None:
    assert not [each for each in rendered(values) if each["kind"] == "Secret"]  # type: ignore[arg-type]


WRONG_SSO: dict[str, tuple[dict[str, Any], str]] = {
    "secret-in-values": ({"sso.clientSecret": "x"}, "/sso/clientSecret"),
    "unknown-key": ({"sso.group": ["x"]}, "additional properties 'group' not allowed"),
    "a-tag": ({"sso.image.tag": "v7.15.6"}, "additional properties 'tag' not allowed"),
    "no-image": ({"sso.image": {}}, "sso.image."),
    "no-digest": ({"sso.image.digest": ""}, "sso.image.digest is not set"),
    "no-host": ({"sso.host": ""}, "sso.host is not set"),
    "no-certificate": ({"sso.ingress.tlsSecret": ""}, "sso.ingress.tlsSecret is not set"),
    "no-issuer": ({"sso.issuer": ""}, "sso.issuer is not set"),
    "issuer-in-the-clear": ({"sso.issuer": "http://login.example.com"}, "/sso/issuer"),
    "no-client": ({"sso.clientId": ""}, "sso.clientId is not set"),
    "no-client-secret": ({"sso.clientSecret.name": ""}, "sso.clientSecret.name is not set"),
    "no-cookie-secret": ({"sso.cookieSecret.name": ""}, "sso.cookieSecret.name is not set"),
    "nobody": ({"sso.groups": [], "sso.viewers": []}, "sso.groups is not set"),
    "groups-as-text": ({"sso.groups": "delivery"}, "/sso/groups"),
    "two-groups-in-one": ({"sso.groups": ["a,b"]}, "/sso/groups/0"),
    "a-variable-of-the-proxy": ({"sso.viewers": ["${HOME}"]}, "/sso/viewers/0"),
    "empty-group": ({"sso.groups": [""]}, "/sso/groups/0"),
    "scope-without-openid": ({"sso.scope": "email"}, "/sso/scope"),
    "for-ever": ({"sso.session.hours": 0}, "/sso/session/hours"),
    "no-server": (
        {"server.enabled": False, "prefect.url": "https://p.example.com/api"},
        "sso.enabled is set",
    ),
}


@pytest.mark.parametrize("case", WRONG_SSO)
def test_signing_in_is_refused(case: str) -> None:
    changes, message = WRONG_SSO[case]
    with pytest.raises(RenderError) as caught:
        rendered(example("sso"), changes)
    assert message in str(caught.value)
