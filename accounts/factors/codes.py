"""动态口令与恢复码: codes of an authenticator (RFC 6238: six digits, 30 s, SHA-1), and codes for its loss."""

from __future__ import annotations

import hmac
import secrets

import pyotp
import segno

STEP_MS = 30_000
DIGITS = 6
STEPS_ASIDE = 1
"""How many steps an authenticator's clock may be off, before or behind."""
RECOVERY_CODES = 10
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without what is misread
_GROUPS, _GROUP_CHARS = 3, 4


def new_secret() -> str:
    """160 random bits in base32, as authenticators take them."""
    return pyotp.random_base32()


def address(secret: str, login: str, site: str) -> str:
    """What the QR code says: ``otpauth://totp/...``."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=site)


def picture(address: str) -> str:
    """The QR code as an inline SVG, dark on light whatever the page's colours."""
    code = segno.make_qr(address, error="m")
    return str(code.svg_inline(scale=5, border=4, dark="#000", light="#fff"))


def step_of(secret: str, typed: str, now_ms: int, last_step: int) -> int | None:
    """The step whose code was typed, at most one aside of now and later than ``last_step``; None when it is no such."""
    code = "".join(typed.split())
    if len(code) != DIGITS or not (code.isascii() and code.isdigit()):
        return None
    otp, now = pyotp.TOTP(secret), now_ms // STEP_MS
    found = None
    for step in range(now - STEPS_ASIDE, now + STEPS_ASIDE + 1):
        if hmac.compare_digest(otp.generate_otp(step), code) and step > last_step:
            found = step
    return found


def new_recovery_codes() -> list[str]:
    """Ten codes of 60 random bits with their number before: ``3-K7QM-2XWD-9RTP``."""
    return [
        "-".join([str(n), *("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_CHARS)) for _ in range(_GROUPS))])
        for n in range(1, RECOVERY_CODES + 1)
    ]


def read_recovery_code(typed: str) -> tuple[int, str] | None:
    """Number and letters of a recovery code as somebody types it; None when it is none."""
    number, _, rest = typed.strip().upper().partition("-")
    letters = "".join(rest.replace("-", " ").split())
    if not (number.isascii() and number.isdigit() and len(number) <= 2) or len(letters) != _GROUPS * _GROUP_CHARS:
        return None
    return int(number), letters
