"""通行密钥: passkeys (WebAuthn). The browser signs a challenge, good once, for five minutes and one purpose.

With the user verified by the authenticator itself (fingerprint, PIN) a passkey is a whole sign-in; after a password, or
to prove oneself anew, that it is there is enough.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from msgspec import Struct
from starlette.requests import Request

from accounts.factors.records import SQL
from accounts.records import moment
from plumbing import logs
from plumbing.postgres import Connection, Record
from plumbing.problems import Problem

CEREMONY_S = 5 * 60
PER_PERSON_MAX = 20
RP_NAME = "阳采"

log = logs.get(__name__)


class Ceremony(Struct, frozen=True):
    """What a challenge was made for: ``login``, ``second``, ``prove``, ``add``, ``enrol``; whose answer is awaited."""

    challenge: bytes
    purpose: str
    person_id: UUID | None = None
    target: str = "/"


class Asked(NamedTuple):
    """A challenge as the browser is given it: the name of the ceremony, and the options of WebAuthn (JSON)."""

    ceremony: str
    options: dict[str, Any]


class Place(NamedTuple):
    """Where people reach us: ``rp_id``, the host a passkey belongs to, and the pages' exact origin."""

    rp_id: str
    origin: str


def place_of(request: Request) -> Place:
    """The place of this request; that of the settings where they name one."""
    public = request.state.settings.public_origin
    origin = public or f"{request.url.scheme}://{request.url.netloc}"
    return Place(urlsplit(origin).hostname or "", origin)


def usable(request: Request) -> bool:
    """Whether browsers make passkeys for this place: a host with a name, under https or on this machine."""
    place = place_of(request)
    try:
        ipaddress.ip_address(place.rp_id)
    except ValueError:
        return place.origin.startswith("https://") or place.rp_id == "localhost"
    return False


def _key(ceremony: str) -> str:
    return "passkey:" + hashlib.sha256(ceremony.encode("utf-8", "replace")).hexdigest()


@contextmanager
def _judged() -> Iterator[None]:
    """Whatever the library says of bytes that a stranger sent is a refusal."""
    try:
        yield
    except Exception as error:
        log.info("passkey.refused", why=str(error)[:200])
        raise Problem(401, "passkey_refused") from None


async def _keep(request: Request, ceremony: Ceremony, options: Any) -> Asked:
    from webauthn.helpers import options_to_json_dict

    token = secrets.token_urlsafe(24)
    await request.state.valkey.set(_key(token), msgspec.json.encode(ceremony), ex=CEREMONY_S)
    return Asked(token, options_to_json_dict(options))


async def taken(request: Request, token: str) -> Ceremony:
    """The ceremony of this name, once. Raises ``Problem`` 409 ``passkey_over`` when there is none any more."""
    kept = await request.state.valkey.getdel(_key(token))
    if kept is None:
        raise Problem(409, "passkey_over")
    return msgspec.json.decode(kept, type=Ceremony)


async def ask(request: Request, purpose: str, person_id: UUID | None = None, target: str = "/") -> Asked:
    """A challenge for a passkey of this person; of anybody, who must then be verified by it, without one."""
    from webauthn import generate_authentication_options
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor, UserVerificationRequirement

    own = await request.state.postgres.fetch(SQL["passkeys_of"], person_id) if person_id else []
    whole = UserVerificationRequirement.REQUIRED if person_id is None else UserVerificationRequirement.PREFERRED
    ceremony = Ceremony(secrets.token_bytes(32), purpose, person_id, target)
    options = generate_authentication_options(
        rp_id=place_of(request).rp_id,
        challenge=ceremony.challenge,
        timeout=CEREMONY_S * 1_000,
        allow_credentials=[PublicKeyCredentialDescriptor(id=row["id"]) for row in own],
        user_verification=whole,
    )
    return await _keep(request, ceremony, options)


async def answered(request: Request, ceremony: Ceremony, credential: dict[str, Any]) -> Record:
    """Whose passkey has answered: its row, with ``person_id``, ``login``, ``bar``.

    Raises ``Problem`` 401 ``passkey_refused``: unknown, another person's, a wrong signature, origin or challenge, or a
    counter that has not grown.
    """
    from webauthn import verify_authentication_response
    from webauthn.helpers import parse_authentication_credential_json

    state, place = request.state, place_of(request)
    with _judged():
        parsed = parse_authentication_credential_json(credential)
    row: Record | None = await state.postgres.fetchrow(SQL["passkey"], parsed.raw_id)
    if row is None or ceremony.person_id not in (None, row["person_id"]):
        raise Problem(401, "passkey_refused")
    with _judged():
        found = verify_authentication_response(
            credential=parsed,
            expected_challenge=ceremony.challenge,
            expected_rp_id=place.rp_id,
            expected_origin=place.origin,
            credential_public_key=row["public_key"],
            credential_current_sign_count=row["sign_count"],
            require_user_verification=ceremony.person_id is None,
        )
    used = (row["id"], found.new_sign_count, moment(state.clock.now_ms()))
    if await state.postgres.fetchval(SQL["use_passkey"], *used) is None:
        raise Problem(401, "passkey_refused")
    return row


async def ask_to_add(request: Request, person_id: UUID, login: str, purpose: str) -> Asked:
    """A challenge for a new passkey of this person, to ``add`` or to ``enrol`` with.

    Raises ``Problem`` 409 ``passkeys_many`` beyond 20.
    """
    from webauthn import generate_registration_options
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        PublicKeyCredentialDescriptor,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    own = await request.state.postgres.fetch(SQL["passkeys_of"], person_id)
    if len(own) >= PER_PERSON_MAX:
        raise Problem(409, "passkeys_many", most=PER_PERSON_MAX)
    ceremony = Ceremony(secrets.token_bytes(32), purpose, person_id)
    options = generate_registration_options(
        rp_id=place_of(request).rp_id,
        rp_name=RP_NAME,
        user_id=person_id.bytes,
        user_name=login,
        user_display_name=login,
        challenge=ceremony.challenge,
        timeout=CEREMONY_S * 1_000,
        exclude_credentials=[PublicKeyCredentialDescriptor(id=row["id"]) for row in own],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.PREFERRED
        ),
    )
    return await _keep(request, ceremony, options)


async def add(request: Request, conn: Connection, ceremony: Ceremony, name: str, credential: dict[str, Any]) -> None:
    """Keep the new passkey that answers the ceremony.

    Raises ``Problem`` 401 ``passkey_refused``, 409 ``passkey_known`` when it is somebody's already.
    """
    from webauthn import verify_registration_response

    place = place_of(request)
    with _judged():
        found = verify_registration_response(
            credential=credential,
            expected_challenge=ceremony.challenge,
            expected_rp_id=place.rp_id,
            expected_origin=place.origin,
        )
    given = (found.credential_id, ceremony.person_id, name, found.credential_public_key, found.sign_count)
    if await conn.fetchval(SQL["add_passkey"], *given) is None:
        raise Problem(409, "passkey_known")
