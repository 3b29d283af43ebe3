"""A passkey in software, for tests: makes and answers WebAuthn ceremonies as a browser with an authenticator would."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Authenticator:
    """One passkey. What is given to ``make`` and ``answer`` besides the options is what a liar would change."""

    def __init__(self) -> None:
        self.key, self.id, self.count = ec.generate_private_key(ec.SECP256R1()), secrets.token_bytes(16), 0

    def _told(self, options: dict[str, Any], kind: str, origin: str) -> bytes:
        return json.dumps({"type": kind, "challenge": options["challenge"], "origin": origin}).encode()

    def _data(self, host: str, flags: int, rest: bytes = b"") -> bytes:
        self.count += 1
        return hashlib.sha256(host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big") + rest

    def make(
        self, options: dict[str, Any], *, origin: str = "http://localhost", host: str = "localhost"
    ) -> dict[str, Any]:
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        rest = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(cose)
        data = self._data(host, PRESENT | VERIFIED | ATTESTED, rest)
        response = {
            "clientDataJSON": b64(self._told(options, "webauthn.create", origin)),
            "attestationObject": b64(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})),
        }
        return {"id": b64(self.id), "rawId": b64(self.id), "type": "public-key", "response": response}

    def answer(
        self,
        options: dict[str, Any],
        *,
        origin: str = "http://localhost",
        host: str = "localhost",
        flags: int = PRESENT | VERIFIED,
    ) -> dict[str, Any]:
        told, data = self._told(options, "webauthn.get", origin), self._data(host, flags)
        signature = self.key.sign(data + hashlib.sha256(told).digest(), ec.ECDSA(SHA256()))
        response = {"clientDataJSON": b64(told), "authenticatorData": b64(data), "signature": b64(signature)}
        return {"id": b64(self.id), "rawId": b64(self.id), "type": "public-key", "response": response}
