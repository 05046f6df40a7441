"""A thin client of the OCI distribution API: manifests, small blobs, tags, basic and token authentication.

Everything that arrives is bounded in size and time and checked against its digest. Plain HTTP is spoken with
this machine only. Why not oras: docs/decisions/0001-libraries.md.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any
from urllib.parse import urlencode, urljoin, urlsplit

from towpath.adapters.hosts import is_private
from towpath.adapters.http import (
    CertificateError,
    HttpAnswer,
    HttpClient,
    HttpError,
    asked_pause,
    origin_of,
    read_body,
)
from towpath.adapters.registries.headers import basic_login, parse_challenge
from towpath.errors import TerminalError, TransientError
from towpath.fence import require_leadership
from towpath.redact import redact, remember_secret
from towpath.release.image_ref import DEFAULT_REGISTRY, ImageReference, check_digest, is_loopback

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
TIMEOUT = (5.0, 30.0)
"""Seconds to connect, and to wait for the next bytes."""
BODY_SECONDS = 300.0
MAX_REDIRECTS = 10
"""Registries keep blobs elsewhere, and say where."""
MAX_PAGES, MAX_TAG_PAGES = 20, 1_000
MAX_BYTES = 4 * 1024 * 1024
_DOCKER = "application/vnd.docker.distribution.manifest"
_ACCEPT = f"{MANIFEST_TYPE}, {_DOCKER}.v2+json, {INDEX_TYPE}, {_DOCKER}.list.v2+json"
_NEXT = re.compile(r'<([^<>]+)>\s*;[^,]*\brel="?next"?')
Body = bytes | IO[bytes]
_API_HOSTS = {DEFAULT_REGISTRY: "registry-1.docker.io"}


class Repository:
    """One repository of a registry, over one connection, with the rights to pull or also to push."""

    def __init__(self, image: ImageReference, *, push: bool = False) -> None:
        self.image = image
        host = _API_HOSTS.get(image.registry, image.registry)
        self.base = f"{'http' if is_loopback(host) else 'https'}://{host}/v2/{image.repository}/"
        self.scope = f"repository:{image.repository}:pull{',push' if push else ''}"
        self._http = HttpClient(proxies=not is_loopback(host))  # no proxy on the way to this machine
        self.authorization: str | None = None

    def manifest(self, selector: str) -> tuple[bytes, str] | None:
        """Bytes and media type of a manifest, its digest checked; None when there is none."""
        answer = self._ask("GET", f"manifests/{selector}", headers={"Accept": _ACCEPT}, missing=(404,))
        if answer is None:
            return None
        body = body_of(answer)
        said = answer.headers.get("Docker-Content-Digest") or digest_of(body)
        if digest_of(body) != said or (selector.startswith("sha256:") and selector != said):
            raise TransientError(f"{self.image.name}: manifest {selector} arrived damaged")
        return body, answer.headers.get("Content-Type", "").partition(";")[0]

    def digest(self, tag: str) -> str | None:
        """What a tag names, as the registry says: None when there is none, empty where it does not say."""
        answer = self._ask("HEAD", f"manifests/{tag}", headers={"Accept": _ACCEPT}, missing=(404,))
        return None if answer is None else answer.headers.get("Docker-Content-Digest", "")

    def blob(self, digest: str, largest: int | None = None) -> bytes:
        """A small blob, of at most `largest` bytes (None: MAX_BYTES), its digest checked."""
        answer = self._ask("GET", f"blobs/{check_digest(digest)}")
        body = body_of(answer, largest) if answer is not None else b""
        if digest_of(body) != digest:
            raise TransientError(f"{self.image.name}: blob {digest} arrived damaged")
        return body

    def put_blob(self, content: bytes) -> None:
        """Upload a small blob unless it is there."""
        self.put(digest_of(content), len(content), lambda: content)

    def put(self, digest: str, size: int, content: Callable[[], Body]) -> None:
        """Upload a blob of `size` bytes unless it is there; `content` is opened for each try."""
        if self._ask("HEAD", f"blobs/{digest}", missing=(404,)) is not None:
            return
        started = self._ask("POST", "blobs/uploads/")
        place = started.headers.get("Location") if started is not None else None
        if not place:
            raise TerminalError(f"registry {self.image.registry} does not say where to upload to")
        url = self._joined(f"{self.base}blobs/uploads/", place)
        separator = "&" if urlsplit(url).query else "?"
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        self._ask("PUT", f"{url}{separator}digest={digest}", data=content, headers=headers)

    def put_manifest(self, selector: str, content: bytes, media_type: str = MANIFEST_TYPE) -> bool:
        """Upload a manifest under a tag or its digest.

        Says whether the registry lists it by itself as a referrer of its subject (`referrers`).
        """
        headers = {"Content-Type": media_type}
        answer = self._ask("PUT", f"manifests/{selector}", data=lambda: content, headers=headers)
        return answer is not None and "OCI-Subject" in answer.headers

    def referrers(self, digest: str, artifact_type: str) -> list[dict[str, Any]] | None:
        """The descriptors of the artifacts whose subject is `digest`, perhaps of other types too.

        None when the registry has no referrers API: then an index at a tag lists them.
        """
        listed: list[dict[str, Any]] = []
        path = f"referrers/{check_digest(digest)}?{urlencode({'artifactType': artifact_type})}"
        for _ in range(MAX_PAGES):
            answer = self._ask("GET", path, headers={"Accept": INDEX_TYPE}, missing=(400, 404, 405, 406))
            if answer is None:
                return None
            kind, body = answer.headers.get("Content-Type", "").partition(";")[0], body_of(answer)
            if kind != INDEX_TYPE:
                return None  # a page for people
            found = list_in(object_of(body, f"{self.image.name} referrers"), "manifests")
            listed += [each for each in found if isinstance(each, dict)]
            following = self._next(answer, path)
            if following is None:
                return listed
            path = following
        raise TerminalError(f"registry {self.image.registry} lists more than {MAX_PAGES} pages of referrers")

    def tags(self) -> Iterator[str]:
        """All tags, page by page."""
        path: str | None = "tags/list?n=1000"
        for _ in range(MAX_TAG_PAGES):
            if path is None:
                return
            if (answer := self._ask("GET", path, missing=(404,))) is None:
                return
            yield from list_in(object_of(body_of(answer), f"{self.image.name} tags"), "tags")
            path = self._next(answer, path)
        raise TerminalError(f"registry {self.image.registry} lists more than {MAX_TAG_PAGES} pages of tags")

    def _next(self, answer: HttpAnswer, path: str) -> str | None:
        """Where the next page of a list is; None for the last one."""
        link = _NEXT.search(answer.headers.get("Link", ""))
        return self._joined(urljoin(self.base, path), link.group(1)) if link else None

    def _joined(self, base: str, place: str) -> str:
        """An address that the registry names. TerminalError where it is none."""
        try:
            url = urljoin(base, place)
            origin_of(url)
        except ValueError as error:
            raise TerminalError(f"registry {self.image.registry} points to what is no URL") from error
        return url

    def _ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        data: Callable[[], Body] | None = None,
        missing: tuple[int, ...] = (),
    ) -> HttpAnswer | None:
        """The answer; None when its status is one of `missing`."""
        url = urljoin(self.base, path)
        if urlsplit(url).netloc != urlsplit(self.base).netloc and method != "PUT":
            raise TerminalError(f"registry {self.image.registry} points to another host: {redact(url)}")
        if urlsplit(url).scheme != "https" and not is_loopback(urlsplit(url).netloc):
            raise TerminalError(f"registry {self.image.registry} points to plain HTTP: {redact(url)}")
        answer = self._send(method, url, headers, data and data())
        if answer.status == 401:
            answer.close()
            self.authorization = None
            self.authorization = self._log_in(answer.headers.get("WWW-Authenticate", ""))
            if self.authorization is not None:
                answer = self._send(method, url, headers, data and data())
        if answer.status in missing:
            answer.close()
            return None
        if answer.status >= 300:
            raise self._refused(answer, method)
        if method != "GET":
            body_of(answer)  # gives the connection back
        return answer

    def _send(
        self, method: str, url: str, headers: Mapping[str, str] | None, data: Body | None
    ) -> HttpAnswer:
        sent = dict(headers or {})
        if self.authorization is not None and urlsplit(url).netloc == urlsplit(self.base).netloc:
            sent["Authorization"] = self.authorization
        try:
            options: dict[str, Any] = {"headers": sent, "timeout": TIMEOUT, "redirects": MAX_REDIRECTS}
            if method in ("GET", "HEAD"):
                return self._http.follow(url, method=method, check=self._check_redirect, **options)
            require_leadership(f"{method} to {self.image.name}")
            return self._http.send(method, url, body=data, **options)
        except CertificateError as error:
            raise TerminalError(
                f"registry {self.image.registry} has no certificate that this machine trusts: {error}",
                remedy="Add its authority to the system's, or name it in REQUESTS_CA_BUNDLE.",
            ) from error
        except HttpError as error:
            raise TransientError(
                f"registry {self.image.registry} does not answer",
                remedy="Is it running? `towpath doctor` says what is there, `towpath local up` starts one.",
            ) from error

    def _check_redirect(self, url: str) -> None:
        """Refuse a redirect to plain HTTP, and into this machine or its network from elsewhere."""
        parts = urlsplit(url)
        if is_loopback(self.image.registry) and is_loopback(parts.netloc):
            return
        inside = is_private(parts.hostname or "") and parts.netloc != urlsplit(self.base).netloc
        if parts.scheme != "https" or inside:
            raise TerminalError(f"registry {self.image.registry} points to {redact(url)[:200]}; refused")

    def _log_in(self, challenge: str) -> str | None:
        """The Authorization header that answers a challenge; None when we have nothing to answer with."""
        kind, _, rest = challenge.partition(" ")
        # The docker SDK takes a while to import, and most registries want no log-in.
        from towpath.adapters.registries.registry_login import credentials

        known = credentials(self.image.registry)
        for secret in known.values():
            remember_secret(secret)
        if kind.lower() == "basic":
            return basic_login(known) if "password" in known else None
        if kind.lower() != "bearer":
            return None
        asked = parse_challenge(rest)
        realm = self._joined(self.base, asked.get("realm") or "")
        parts = urlsplit(realm)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.netloc)):
            raise TerminalError(
                f"registry {self.image.registry} asks to log in without encryption: {redact(realm)}"
            )
        query = {"service": asked.get("service") or "", "scope": asked.get("scope") or self.scope}
        if "identitytoken" in known:
            form = {**query, "grant_type": "refresh_token", "client_id": "towpath"}
            form["refresh_token"] = known["identitytoken"]
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            answer = self._send("POST", realm, headers, urlencode(form).encode())
        else:
            headers = {"Authorization": basic_login(known)} if "password" in known else {}
            separator = "&" if parts.query else "?"
            answer = self._send("GET", f"{realm}{separator}{urlencode(query)}", headers, None)
        if answer.status >= 300:
            raise self._refused(answer, "log-in")
        content = object_of(body_of(answer), realm)
        token = content.get("token") or content.get("access_token")
        if not token:
            return None
        remember_secret(str(token))
        return f"Bearer {token}"

    def _refused(self, answer: HttpAnswer, what: str) -> Exception:
        status = answer.status
        message = f"registry {self.image.registry} answered {what} of {self.image.repository} with {status}"
        if status in (408, 425, 429) or status >= 500:
            return TransientError(message, retry_after=asked_pause(answer))
        if status in (401, 403):
            return TerminalError(
                f"{message}: no right to do that", remedy=f"`docker login {self.image.registry}` gives it."
            )
        return TerminalError(f"{message}: {redact(body_of(answer)[:300].decode(errors='replace'))}")


def digest_of(content: bytes) -> str:
    """`sha256:…` of some bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def object_of(body: bytes, where: str) -> dict[str, Any]:
    """The JSON object in a body; `where` is its name in the TerminalError."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise TerminalError(f"{where} is no JSON, or nested too deeply") from error
    if not isinstance(content, dict):
        raise TerminalError(f"{where} is no JSON object")
    return content


def list_in(content: Mapping[str, Any], key: str) -> list[Any]:
    """The list at a key; empty for anything else."""
    found = content.get(key)
    return found if isinstance(found, list) else []


def body_of(answer: HttpAnswer, largest: int | None = None) -> bytes:
    """The body of an answer, up to `largest` bytes (None: MAX_BYTES); TransientError when it breaks off."""
    largest = MAX_BYTES if largest is None else largest
    try:
        content = read_body(answer, largest, BODY_SECONDS)
    except HttpError as error:
        raise TransientError(f"{redact(str(answer.geturl()))} {error}") from error
    if content is None:
        raise TerminalError(f"{redact(str(answer.geturl()))} is larger than {largest} bytes")
    return content
