"""The verdicts of webhooks: pure, raise nothing."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

from accounts.model import Role

KINDS = ("notice.published", "lot.stage", "award.offered", "deal.made")
"""What an organisation may be told of: notices of its cases and of those it signed up for, stages of lots it hosts,
awards offered to it, deals it is part of. ``webhook.test`` is sent on demand."""
TEST = "webhook.test"
TRADERS = (Role.BUYER, Role.HEAD, Role.AGENCY, Role.SUPPLIER)
"""Who does business for an organisation, and so sets where its system is told of it."""
MARK = "whsec_"
SECRET_BYTES = 32
ENDPOINTS_MAX = 10
OVERLAP_MS = 24 * 3_600_000
"""So long the secret before a rotation signs beside the new one."""
GONE = 410
"""The receiver's word that he wants no more."""


def secret_text(secret: bytes) -> str:
    """A secret as the receiver is told it."""
    return MARK + base64.b64encode(secret).decode()


def secret_of(text: str) -> bytes | None:
    """The secret that a text stands for; None when it stands for none."""
    try:
        return base64.b64decode(text.removeprefix(MARK), validate=True)
    except binascii.Error:
        return None


def signature(secrets: Sequence[bytes], message_id: str, timestamp_s: int, body: bytes) -> str:
    """``webhook-signature`` of the Standard Webhooks: one ``v1,`` part for each secret, the newest first."""
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    macs = (hmac.new(secret, signed, hashlib.sha256).digest() for secret in secrets)
    return " ".join("v1," + base64.b64encode(mac).decode() for mac in macs)
