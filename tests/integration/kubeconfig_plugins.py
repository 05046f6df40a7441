"""Exec plugins of kubeconfigs, and who the API server should see."""

import json
import os
from collections.abc import Callable

from tests.integration.kubeconfigs import (
    ADMIN,
    ONE,
    REFUSED,
    TWO,
    V1,
    V1BETA1,
    Site,
    with_user,
)


def _status(site: Site) -> dict[str, str]:
    return {"token": site.tokens["one"]}


def _certificates(site: Site) -> dict[str, str]:
    return {
        "clientCertificateData": site.pem("admin.crt").decode(),
        "clientKeyData": site.pem("admin.key").decode(),
    }


def _by_name(site: Site) -> object:
    made = site.plugin(_status(site))
    site.environ["PATH"] = f"{site.folder}{os.pathsep}{os.environ['PATH']}"
    return {"exec": {**made["exec"], "command": "plugin"}}


def _relative_plugin(site: Site) -> object:
    return {"exec": {**site.plugin(_status(site))["exec"], "command": "./plugin"}}


def _plugin_in_current_folder(site: Site) -> object:
    site.environ["PATH"] = f".{os.pathsep}{os.environ['PATH']}"
    return {"exec": {**site.plugin(_status(site))["exec"], "command": "plugin"}}


def _prints(text: str, **more: object) -> Callable[[Site], object]:
    def build(site: Site) -> object:
        script = site.file("plugin", f"#!/bin/sh\ncat <<'END'\n{text}\nEND\n", executable=True)
        return {"exec": {"apiVersion": V1, "command": script, "interactiveMode": "Never", **more}}

    return build


def _with_env(site: Site) -> object:
    code = f'[ "$WHO" = me ] && [ "$1" = \'a b\' ] && [ "$HOME" = \'{site.folder}\' ] || exit 1'
    env = [{"name": "WHO", "value": "me"}, {"name": "HOME", "value": str(site.folder)}]
    return site.plugin(_status(site), code=code, env=env, args=["a b"])


def _old(site: Site) -> object:
    made = site.plugin(_status(site), api=V1BETA1)
    del made["exec"]["interactiveMode"]
    return made


PLUGINS = (
    with_user("plugin with token", ONE, lambda site: site.plugin(_status(site))),
    with_user("plugin with certificate", ADMIN, lambda site: site.plugin(_certificates(site))),
    with_user("plugin of v1beta1 without a mode", ONE, _old),
    with_user("plugin by name", ONE, _by_name),
    with_user("plugin beside the file", ONE, _relative_plugin),
    with_user("plugin by PATH of the current folder", REFUSED, _plugin_in_current_folder),
    with_user("plugin with arguments and env", ONE, _with_env),
    with_user(
        "plugin if a terminal is there", ONE, lambda s: s.plugin(_status(s), interactiveMode="IfAvailable")
    ),
    with_user(
        "plugin that wants a terminal", REFUSED, lambda s: s.plugin(_status(s), interactiveMode="Always")
    ),
    with_user("plugin without a mode", REFUSED, lambda s: s.plugin(_status(s), interactiveMode=None)),
    with_user("plugin that fails", REFUSED, lambda site: site.plugin(_status(site), code="exit 3")),
    with_user(
        "plugin missing",
        REFUSED,
        lambda _: {"exec": {"apiVersion": V1, "command": "no-such-program", "interactiveMode": "Never"}},
    ),
    with_user(
        "plugin of another version",
        REFUSED,
        lambda s: {"exec": {**s.plugin(_status(s))["exec"], "apiVersion": V1BETA1}},
    ),
    with_user(
        "plugin of a version that is gone",
        REFUSED,
        lambda s: s.plugin(_status(s), api="client.authentication.k8s.io/v1alpha1"),
    ),
    with_user("plugin says nothing", REFUSED, _prints("")),
    with_user("plugin says no JSON", REFUSED, _prints("token: [")),
    with_user(
        "plugin without status", REFUSED, _prints(json.dumps({"apiVersion": V1, "kind": "ExecCredential"}))
    ),
    with_user("plugin with empty status", REFUSED, lambda site: site.plugin({})),
    with_user("plugin with a key alone", REFUSED, lambda s: s.plugin({**_status(s), "clientKeyData": "x"})),
    with_user(
        "plugin with another kind",
        REFUSED,
        _prints(json.dumps({"apiVersion": V1, "kind": "Other", "status": {"token": "x"}})),
    ),
    with_user(
        "plugin with a token of two lines", REFUSED, lambda s: s.plugin({"token": s.tokens["one"] + "\n"})
    ),
    with_user(
        "plugin with a wrong time", REFUSED, lambda s: s.plugin({**_status(s), "expirationTimestamp": "soon"})
    ),
    with_user(
        "plugin with an old time",
        ONE,
        lambda s: s.plugin({**_status(s), "expirationTimestamp": "2020-01-01T00:00:00Z"}),
    ),
    with_user(
        "plugin beside a token",
        TWO,
        lambda s: {**s.plugin(_status(s), code="exit 3"), "token": s.tokens["two"]},
    ),
    with_user(
        "plugin beside a certificate",
        ADMIN,
        lambda s: {**s.plugin(_status(s), code="exit 3"), **s.certificate},
    ),
    with_user(
        "plugin with impersonation", "nobody", lambda s: {**s.plugin(_certificates(s)), "as": "nobody"}
    ),
)
