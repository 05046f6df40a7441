"""An OIDC issuer over TLS: discovery, keys, sign-in by name, codes with PKCE, and refresh."""

import base64
import datetime
import hashlib
import ipaddress
import json
import secrets
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

CLIENT = "towpath"
CLIENT_SECRET = "the-client-s-secret"
KEY = "one"


@dataclass
class Issuer:
    """`people` have groups; `forge` changes the next tokens: the key that signs, or claims of theirs."""

    url: str
    key: rsa.RSAPrivateKey
    people: dict[str, list[str]] = field(default_factory=dict)
    forge: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    refreshes: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def code(self, person: str, query: dict[str, str]) -> str:
        """Where the browser of somebody who has signed in is sent."""
        code = secrets.token_urlsafe(16)
        self.codes[code] = {**query, "person": person}
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, form: dict[str, str]) -> dict[str, Any] | None:
        """The answer to a code or a refresh token; None to one that is not valid."""
        self.asked.append(form["grant_type"])
        if form["grant_type"] == "refresh_token":
            person, nonce = self.refreshes.pop(form["refresh_token"], ""), ""
        else:
            given = self.codes.pop(form["code"], {})
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            right = challenge == given.get("code_challenge")
            right = right and given.get("redirect_uri") == form["redirect_uri"]
            person, nonce = (given["person"], given.get("nonce", "")) if right else ("", "")
        if person not in self.people:
            return None
        refresh = secrets.token_urlsafe(16)
        self.refreshes[refresh] = person
        answer = {"access_token": secrets.token_urlsafe(16), "refresh_token": refresh, "expires_in": 3600}
        return answer | {"token_type": "Bearer", "id_token": self.id_token(person, nonce)}

    def id_token(self, person: str, nonce: str = "") -> str:
        now = int(time.time())
        claims = {
            "iss": self.url, "aud": CLIENT, "sub": person, "iat": now, "exp": now + 3600, "nonce": nonce,
            "email": f"{person}@example.com", "email_verified": True, "groups": self.people[person],
        }  # fmt: skip
        if not nonce:
            del claims["nonce"]
        forged = dict(self.forge)
        key, algorithm = forged.pop("key", self.key), forged.pop("algorithm", "RS256")
        return jwt.encode(claims | forged, key, algorithm, headers={"kid": KEY})


@contextmanager
def running_issuer(folder: Path) -> Iterator[Issuer]:
    """On a free port; its certificate is `folder/ca.crt`."""
    certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.crt", folder / "ca.key")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    key = rsa.generate_private_key(65537, 2048)
    Handler.issuer = Issuer(f"https://127.0.0.1:{server.server_address[1]}", key)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield Handler.issuer
    finally:
        server.shutdown()
        server.server_close()


class Handler(BaseHTTPRequestHandler):
    """Its endpoints."""

    issuer: Issuer

    def do_GET(self) -> None:
        issuer, parts = self.issuer, urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/.well-known/openid-configuration":
            ends = {f"{name}_endpoint": f"{issuer.url}/{name}" for name in ("authorization", "token")}
            told = {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys", **ends}
            told |= {"id_token_signing_alg_values_supported": ["RS256"]}
            self._answer(200, told | {"code_challenge_methods_supported": ["S256"]})
        elif parts.path == "/keys":
            public = jwt.algorithms.RSAAlgorithm.to_jwk(issuer.key.public_key(), as_dict=True)
            self._answer(200, {"keys": [{**public, "kid": KEY, "use": "sig", "alg": "RS256"}]})
        elif parts.path == "/authorization" and (person := self.headers.get("X-Signed-In-As")):
            self._answer(302, {}, issuer.code(person, query))  # as its cookie says
        else:
            self._answer(200 if parts.path == "/authorization" else 404, {"sign in": "please"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        login = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic ")).decode()
        answer = self.issuer.token(form) if login == f"{CLIENT}:{CLIENT_SECRET}" else None
        self._answer(200 if answer else 400, answer or {"error": "invalid_grant"})

    def _answer(self, status: int, content: dict[str, Any], location: str = "") -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None: ...


def certificate(folder: Path) -> None:
    """Of 127.0.0.1, signed by itself: `ca.crt` and `ca.key`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "issuer of the test")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "ca.key").write_bytes(private)
