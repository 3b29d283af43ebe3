"""密钥保管: secrets that must be read again are encrypted by a key that is not in the database.

AES-256-GCM under a key derived (HKDF-SHA-256) from ``YANGCAI_SECRET_KEY``, bound to the person. What was sealed under
``YANGCAI_SECRET_KEY_BEFORE`` is still read, so that the key can be changed.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = b"\x01"
KEY_ID_BYTES, NONCE_BYTES = 4, 12
_PURPOSE = b"yangcai second factor, version 1"


def _key(secret_key: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=_PURPOSE).derive(secret_key.encode())


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(_PURPOSE + key).digest()[:KEY_ID_BYTES]


def seal(settings: Any, person_id: UUID, secret: bytes) -> bytes:
    """``secret`` encrypted for this person: version, key's id, nonce, ciphertext."""
    key, nonce = _key(settings.secret_key), secrets.token_bytes(NONCE_BYTES)
    return VERSION + _key_id(key) + nonce + AESGCM(key).encrypt(nonce, secret, person_id.bytes)


def key_of(sealed: bytes) -> bytes:
    """Which key it was sealed under."""
    return sealed[len(VERSION) : len(VERSION) + KEY_ID_BYTES]


def unseal(settings: Any, person_id: UUID, sealed: bytes) -> bytes | None:
    """The secret; None when it was sealed under another key or for somebody else, or was tampered with."""
    start = len(VERSION) + KEY_ID_BYTES
    nonce, ciphertext = sealed[start : start + NONCE_BYTES], sealed[start + NONCE_BYTES :]
    for known in (settings.secret_key, settings.secret_key_before):
        key = _key(known)
        if known and sealed[:1] == VERSION and _key_id(key) == key_of(sealed):
            try:
                return AESGCM(key).decrypt(nonce, ciphertext, person_id.bytes)
            except InvalidTag:
                return None
    return None
