"""An OIDC issuer of the tests: keys made here, a discovery document, and tokens good and bad."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

AUDIENCE = "https://door.example.com"
COMMIT = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def jwk_of(key: Any, key_id: str, **more: str) -> dict[str, Any]:
    """The public half as a JWK."""
    algorithm = (
        jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    )
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": key_id, "use": "sig", **more}


@dataclass
class TestIssuer:
    """`keys` are what it publishes; `asked` how often which address was fetched."""

    __test__ = False
    url: str = ""
    keys: list[dict[str, Any]] = field(default_factory=list)
    claimed: str = ""
    status: int = 200
    asked: list[str] = field(default_factory=list)

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Those of a job of GitHub on the branch main; None leaves one out."""
        now = int(time.time())
        found = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "repo:acme/shop:ref:refs/heads/main",
            "iat": now,
            "nbf": now,
            "exp": now + 300,
            "repository": "acme/shop",
            "repository_id": 4711,
            "ref": "refs/heads/main",
            "sha": COMMIT,
            "jti": f"{time.time_ns()}",
        }
        return {name: value for name, value in {**found, **changed}.items() if value is not None}

    def token(
        self, *, key: Any = KEY, key_id: str | None = "one", algorithm: str = "RS256", **changed: Any
    ) -> str:
        headers = {"kid": key_id} if key_id else {}
        return jwt.encode(self.claims(**changed), key, algorithm, headers)


@contextmanager
def issuing() -> Iterator[TestIssuer]:
    """An issuer on a free port of this machine, which publishes two keys."""
    issuer = TestIssuer(keys=[jwk_of(KEY, "one", alg="RS256"), jwk_of(EC_KEY, "two")])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked.append(self.path)
            content: Any = {"issuer": issuer.claimed or issuer.url, "jwks_uri": f"{issuer.url}/keys"}
            if self.path == "/keys":
                content = {"keys": issuer.keys}
            body = json.dumps(content).encode()
            self.send_response(issuer.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    issuer.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield issuer
    finally:
        server.shutdown()
