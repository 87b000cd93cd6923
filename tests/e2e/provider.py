"""An OpenID provider on loopback: discovery, authorization code with PKCE, tokens signed with RS256, keys.

Whoever comes is let in at once as `person`, whose claims a test sets.
"""

import base64
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, CLIENT_SECRET = "rollcall", "client-secret-canary-5f1d2c"


@dataclass
class Provider:
    """`person`: the claims of whoever signs in next. `age`: how many seconds ago their token says it was issued."""

    person: dict[str, Any] = field(default_factory=dict)
    age: int = 0
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"}))

    def __enter__(self) -> Self:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.server.provider = self  # type: ignore[attr-defined]
        self.issuer = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def authorize(self, asked: dict[str, str]) -> str:
        """Where the browser goes on."""
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, told: dict[str, str]) -> dict[str, Any] | None:
        """Tokens for a code, once, and only for whoever began."""
        asked = self.codes.pop(told.get("code", ""), None)
        proof = base64.urlsafe_b64encode(sha256(told.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        if asked is None or proof != asked["code_challenge"]:
            return None
        now = int(time.time()) - self.age
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": int(time.time()) + 600, "nonce": asked["nonce"]}
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, claims | self.person, self.key)
        return {"access_token": secrets.token_urlsafe(24), "token_type": "Bearer", "id_token": signed}

    def secrets_toml(self, address: str, more: str = "") -> str:
        """`.streamlit/secrets.toml` of an app at this address."""
        return f"""
[auth]
redirect_uri = "{address}/oauth2callback"
cookie_secret = "cookie-secret-canary-{"x" * 32}"
client_id = "{CLIENT}"
client_secret = "{CLIENT_SECRET}"
server_metadata_url = "{self.issuer}/.well-known/openid-configuration"
{more}
"""


class _Handler(BaseHTTPRequestHandler):
    @property
    def provider(self) -> Provider:
        found: Provider = self.server.provider  # type: ignore[attr-defined]
        return found

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        if path == "/.well-known/openid-configuration":
            self._say(self.provider.metadata())
        elif path == "/keys":
            self._say({"keys": [self.provider.key.as_dict(private=False)]})
        elif path == "/authorize":
            self.send_response(302)
            self.send_header("Location", self.provider.authorize({name: each[0] for name, each in query.items()}))
            self.end_headers()
        else:
            self._say({}, 404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        found = self.provider.token({name: each[0] for name, each in parse_qs(body).items()})
        self._say(found or {"error": "invalid_grant"}, 200 if found else 400)

    def _say(self, document: dict[str, Any], status: int = 200) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Quiet."""
