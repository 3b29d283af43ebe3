"""身份认证服务的客户端: what we ask the provider, and what we believe of its answer.

Believed is a token that the provider signed with a public key of its own, for us, for this question, and not long ago.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import ssl
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
from msgspec import Struct

from plumbing import logs

SIGNED_BY = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Public-key signatures only: neither ``none`` nor a shared secret is taken, whatever a token says of itself."""
LEEWAY_S = 60
KEPT_MS = 10 * 60_000
TIMEOUT_S = 10

log = logs.get(__name__)


class ProviderAway(Exception):
    """The provider does not answer, or answers what is none."""


class NotBelieved(Exception):
    """The provider's word is not what we asked for; the text is for the log."""


class Metadata(Struct, frozen=True):
    """What the provider says of itself (OpenID Connect Discovery)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class Question(Struct, frozen=True):
    """What is kept until the answer comes back: nonce, PKCE verifier, what it is for, and where to go then."""

    state: str
    nonce: str
    verifier: str
    purpose: str
    target: str

    @classmethod
    def new(cls, purpose: str, target: str) -> Question:
        """A question of its own: ``login`` or ``link``."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        return cls(state, nonce, verifier, purpose, target)


class Identity(Struct, frozen=True):
    """Who the provider says it is: its word for him, for ever his, and a name to show."""

    subject: str
    name: str = ""


class Provider:
    """One identity provider; its metadata and keys are kept for ten minutes."""

    def __init__(self, issuer: str, client_id: str, client_secret: str, name: str) -> None:
        self.issuer, self.client_id, self.name = issuer, client_id, name
        self._secret = client_secret
        self._kept: tuple[int, Metadata, Any] | None = None

    async def _ask(self, method: str, address: str, **given: Any) -> bytes:
        import httpx

        self._as_the_issuer(address)
        try:
            trusted = ssl.create_default_context()  # the machine's certificates: a government's own may be among them
            async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False, verify=trusted) as client:
                answer = await client.request(method, address, headers={"Accept": "application/json"}, **given)
        except httpx.HTTPError as error:
            raise ProviderAway(f"{type(error).__name__}: {error}") from None
        if answer.status_code != 200:
            raise ProviderAway(f"{address}: {answer.status_code}")
        return answer.content

    def _as_the_issuer(self, address: str) -> None:
        if urlsplit(address).scheme != urlsplit(self.issuer).scheme:
            raise ProviderAway(f"{address} is not reached as the issuer is")

    async def known(self, now_ms: int, *, anew: bool = False) -> tuple[Metadata, Any]:
        """Metadata and keys (a JWK set). Raises ``ProviderAway``."""
        if self._kept is None or anew or now_ms - self._kept[0] > KEPT_MS:
            try:
                where = self.issuer.rstrip("/") + "/.well-known/openid-configuration"
                about = msgspec.json.decode(await self._ask("GET", where), type=Metadata)
                keys = msgspec.json.decode(await self._ask("GET", about.jwks_uri), type=dict[str, Any])
            except msgspec.DecodeError as error:
                raise ProviderAway(str(error)) from None
            if about.issuer != self.issuer:
                raise ProviderAway(f"it says it is {about.issuer}")
            self._as_the_issuer(about.authorization_endpoint)
            self._kept = (now_ms, about, keys)
        return self._kept[1], self._kept[2]

    async def address(self, question: Question, back: str, now_ms: int) -> str:
        """Where the browser is sent to answer ``question``, and from there ``back``. Raises ``ProviderAway``."""
        about, _ = await self.known(now_ms)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(question.verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code", "scope": "openid profile", "client_id": self.client_id, "redirect_uri": back,
            "state": question.state, "nonce": question.nonce, "code_challenge": challenge,
            "code_challenge_method": "S256",
        }  # fmt: skip
        joint = "&" if "?" in about.authorization_endpoint else "?"
        return about.authorization_endpoint + joint + urlencode(asked)

    async def identity(self, question: Question, code: str, back: str, now_ms: int) -> Identity:
        """Who has answered: the code is changed for a signed token. Raises ``ProviderAway``, ``NotBelieved``."""
        about, _ = await self.known(now_ms)
        asked = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": question.verifier,
        }  # fmt: skip
        given: dict[str, Any] = {"data": asked}
        if "client_secret_basic" in about.token_endpoint_auth_methods_supported:
            given["auth"] = (self.client_id, self._secret)
        else:
            asked |= {"client_id": self.client_id, "client_secret": self._secret}
        answer = await self._ask("POST", about.token_endpoint, **given)
        try:
            token = msgspec.json.decode(answer, type=dict[str, Any])["id_token"]
        except (msgspec.DecodeError, KeyError):
            raise NotBelieved("no token came") from None
        return await self.believed(token, question.nonce, now_ms)

    async def believed(self, token: str, nonce: str, now_ms: int) -> Identity:
        """Who the token names. Raises ``NotBelieved``: signature, issuer, audience, nonce or time are not right."""
        from joserfc import jwk, jwt
        from joserfc.errors import InvalidKeyIdError, JoseError

        _, keys = await self.known(now_ms)
        try:
            try:
                found = jwt.decode(token, jwk.KeySet.import_key_set(keys), algorithms=SIGNED_BY)
            except InvalidKeyIdError:  # a key that came after we looked
                _, keys = await self.known(now_ms, anew=True)
                found = jwt.decode(token, jwk.KeySet.import_key_set(keys), algorithms=SIGNED_BY)
            jwt.JWTClaimsRegistry(
                now=now_ms // 1_000,
                leeway=LEEWAY_S,
                iss={"essential": True, "value": self.issuer},
                aud={"essential": True, "value": self.client_id},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True, "value": nonce},
                azp={"value": self.client_id},
            ).validate(found.claims)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise NotBelieved(f"{type(error).__name__}: {error}") from None
        subject, name = found.claims.get("sub"), found.claims.get("name", "")
        if not isinstance(subject, str) or not 0 < len(subject) <= 255:
            raise NotBelieved("it names nobody")
        return Identity(subject, name[:100] if isinstance(name, str) else "")


def provider_of(settings: Any) -> Provider | None:
    """The provider of the settings; None when there is none."""
    if not settings.oidc_issuer:
        return None
    return Provider(settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret, settings.oidc_name)
