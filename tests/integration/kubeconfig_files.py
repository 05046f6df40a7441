"""Clusters, contexts and files of kubeconfigs, and who the API server should see."""

import base64
import json
from collections.abc import Callable

from tests.integration.kubeconfigs import (
    ADMIN,
    ONE,
    REFUSED,
    TWO,
    Case,
    Site,
    certificate_files,
    config,
    entry,
    only,
    several,
    with_cluster,
    with_text,
)


def _untrusted(site: Site) -> object:
    return {"server": site.second.server}


def _authority_file(site: Site) -> dict[str, object]:
    site.file("ca.crt", site.pem("ca.crt"))
    return {"server": site.second.server, "certificate-authority": "ca.crt"}


def _http(site: Site) -> object:
    return {"server": site.second.server.replace("https", "http")}


_CLUSTERS = (
    with_cluster("authority file", ADMIN, _authority_file),
    with_cluster(
        "empty authority data beside a file",
        ADMIN,
        lambda site: {**_authority_file(site), "certificate-authority-data": ""},
    ),
    with_cluster(
        "authority data and file", REFUSED, lambda site: {**_authority_file(site), **site.second.trusted}
    ),
    with_cluster("authority unknown", REFUSED, _untrusted),
    with_cluster(
        "authority without certificate",
        REFUSED,
        lambda site: {**site.second.trusted, "certificate-authority-data": "YQ=="},
    ),
    with_cluster(
        "authority with text around",
        ADMIN,
        lambda site: {
            **site.second.trusted,
            "certificate-authority-data": base64.b64encode(
                b"# ours\n" + site.pem("ca.crt") + b"\n# end\n"
            ).decode(),
        },
    ),
    with_cluster(
        "server's own certificate as authority",
        ADMIN,
        lambda site: {**site.second.trusted, "certificate-authority-data": site.data("apiserver.crt")},
    ),
    with_cluster(
        "verification off",
        REFUSED,
        lambda site: {"server": site.second.server, "insecure-skip-tls-verify": True},
        ADMIN,
    ),
    with_cluster(
        "verification off and authority",
        REFUSED,
        lambda site: {**site.second.trusted, "insecure-skip-tls-verify": True},
    ),
    with_cluster(
        "verification of the wrong type",
        REFUSED,
        lambda site: {**site.second.trusted, "insecure-skip-tls-verify": "false"},
    ),
    with_cluster(
        "another name of the server",
        ADMIN,
        lambda site: {**site.second.trusted, "tls-server-name": "localhost"},
    ),
    with_cluster(
        "wrong name of the server",
        REFUSED,
        lambda site: {**site.second.trusted, "tls-server-name": "example.com"},
    ),
    with_cluster(
        "slash after the server",
        ADMIN,
        lambda site: {**site.second.trusted, "server": site.second.server + "/"},
    ),
    with_cluster(
        "server without scheme",
        REFUSED,
        lambda site: {**site.second.trusted, "server": site.second.server.removeprefix("https://")},
    ),
    with_cluster("server by http", REFUSED, _http),
    with_cluster("no server", REFUSED, lambda site: {"certificate-authority-data": site.data("ca.crt")}),
    with_cluster(
        "proxy", ADMIN, lambda site: {**site.second.trusted, "proxy-url": f"http://127.0.0.1:{site.proxy}"}
    ),
    with_cluster(
        "proxy that is away", REFUSED, lambda site: {**site.second.trusted, "proxy-url": "http://127.0.0.1:1"}
    ),
    with_cluster(
        "proxy of another kind",
        REFUSED,
        lambda site: {**site.second.trusted, "proxy-url": "ftp://127.0.0.1:1"},
    ),
)


def _context_elsewhere(site: Site) -> str:
    first = only(contexts=[entry("context", "c", cluster="k", user="u")])
    second = config(site.second.trusted, {"token": site.tokens["two"]})
    return several(site, first, {**second, "contexts": []})


def _first_wins(site: Site) -> str:
    wrong = {"server": "https://127.0.0.1:1"}
    return several(
        site,
        config(site.second.trusted, {"token": site.tokens["one"]}),
        {**config(wrong, {"token": site.tokens["two"], "as": "nobody"}), "current-context": "other"},
    )


def _not_mixed(site: Site) -> str:
    """The second file's user has a certificate, which the first one's, of the same name, has not."""
    return several(site, config(site.second.trusted, {}), config(site.second.trusted, site.certificate))


def _each_relative(site: Site) -> str:
    for name in ("ca.crt", "admin.crt", "admin.key"):
        site.file(f"{0 if name == 'ca.crt' else 1}/{name}", site.pem(name))
    cluster = {"server": site.second.server, "certificate-authority": "ca.crt"}
    user = {"client-certificate": "admin.crt", "client-key": "admin.key"}
    return several(
        site,
        only(clusters=[entry("cluster", "k", **cluster)]),
        only(
            users=[entry("user", "u", **user)],
            contexts=[entry("context", "c", cluster="k", user="u")],
            **{"current-context": "c"},
        ),
    )


def _with_missing(site: Site) -> str:
    good = several(site, config(site.second.trusted, site.certificate))
    return f":{site.folder}/missing:{good}:{good}:"


def _with_broken(site: Site) -> str:
    good = several(site, config(site.second.trusted, site.certificate))
    return f"{good}:{site.file('broken', '{')}"


def _by_link(site: Site) -> str:
    certificate_files(site)
    user = {"client-certificate": "pki/admin.crt", "client-key": "pki/admin.key"}
    real = site.file("elsewhere/config", json.dumps(config(site.second.trusted, user)))
    link = site.folder / "config"
    link.symlink_to(real)
    return str(link)


def _two_contexts(site: Site) -> str:
    content = config(site.second.trusted, site.certificate)
    content["contexts"].append(entry("context", "d", cluster="k", user="v"))
    content["users"].append(entry("user", "v", token=site.tokens["two"]))
    return site.file("config", json.dumps(content))


def _with(**more: object) -> Callable[[Site], str]:
    return lambda site: site.file("config", json.dumps(config(site.second.trusted, site.certificate, **more)))


def _as(written: str) -> Callable[[str], str]:
    """As whom the admin acts, in YAML."""
    return lambda text: text.replace('"client-key-data"', f'"as": {written}, "client-key-data"')


_FILES = (
    Case("context and cluster in two files", TWO, _context_elsewhere),
    Case("first file wins", ONE, _first_wins),
    Case("users of one name are not mixed", REFUSED, _not_mixed),
    Case("paths relative to each file", ADMIN, _each_relative),
    Case("files that are missing or twice", ADMIN, _with_missing),
    Case("a second file that is broken", REFUSED, _with_broken),
    Case("a symbolic link's folder", ADMIN, _by_link),
    Case("no file at all", REFUSED, lambda site: f"{site.folder}/missing"),
    Case("a folder", REFUSED, lambda site: str(site.folder)),
    Case("another context", TWO, _two_contexts, context="d"),
    Case("unknown context", REFUSED, _two_contexts, context="e"),
    Case("no current context", REFUSED, _with(**{"current-context": ""})),
    Case("current context unknown", REFUSED, _with(**{"current-context": "x"})),
    Case("cluster unknown", REFUSED, _with(clusters=[])),
    Case("user unknown", REFUSED, _with(users=[])),
    Case("lists that are null", REFUSED, _with(users=None, contexts=None)),
    Case("another kind", REFUSED, _with(kind="Deployment")),
    Case("another version", REFUSED, _with(apiVersion="v2")),
    Case("neither kind nor version", ADMIN, _with(kind="", apiVersion="")),
    Case(
        "context with namespace",
        ADMIN,
        _with(contexts=[entry("context", "c", cluster="k", user="u", namespace="n")]),
    ),
    with_text(
        "users twice by name", REFUSED, lambda text: text.replace('"users": [', '"users": [{"name": "u"},')
    ),
    with_text(
        "a key twice",
        REFUSED,
        lambda text: text.replace('"current-context": "c"', '"current-context": "x", "current-context": "c"'),
        ADMIN,
    ),
    with_text("byte order mark", ADMIN, lambda text: "\ufeff" + text),
    with_text("line ends of Windows", ADMIN, lambda text: text.replace("\n", "\r\n")),
    with_text("as written like a date", "2020-01-01", _as("2020-01-01")),
    with_text("as written like a word", REFUSED, _as("on")),
    with_text("as written like a number", REFUSED, _as("1e3")),
    with_text("as written like an octal number", REFUSED, _as("0o14")),
    with_text("as by an anchor", "nobody", lambda text: _as("*name")(f'{{"x": &name nobody, {text[1:]}')),
    with_text(
        "as by a merge key", "nobody", lambda text: _as("")(text).replace('"as": ', "<<: {as: nobody}")
    ),
    with_text("broken YAML", REFUSED, lambda text: "{" + text),
    with_text("something after the end", REFUSED, lambda text: text + "}", ADMIN),
    with_text("empty", REFUSED, lambda _: ""),
    with_text("a list", REFUSED, lambda _: "[]"),
    with_text("tabs", REFUSED, lambda _: "apiVersion: v1\n\tkind: Config\n"),
    with_text("a second document", REFUSED, lambda text: f"{text}\n---\n{text}", ADMIN),
    with_text(
        "an unrelated user of the wrong type",
        REFUSED,
        lambda text: text.replace('"users": [', '"users": [{"name": "v", "user": {"token": 1}},'),
    ),
)

CLUSTERS_AND_FILES = (*_CLUSTERS, *_FILES)
