"""The file of a supplier 供应商档案 as it is filed: complete each time, so that two versions can be compared. Pure."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import date, timedelta
from uuid import UUID

from msgspec import Struct
from stdnum.cn import ric

from registries.suppliers.model import SizeClass, Status, SupplierFacts

_IDENTITY = re.compile(
    r"[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9X]", re.ASCII
)
HOLDS_BP = 5_000
"""Above this share of the capital a shareholder controls 控股; a managing body does so with any share."""


class Shareholder(Struct, frozen=True):
    """A shareholder or managing body 股东、管理单位. ``key``: credit code or head key; ``number``: as shown."""

    name: str
    key: str = ""
    number: str = ""
    share_bp: int = 0
    manages: bool = False


class Certificate(Struct, frozen=True):
    """A certificate 证照, good to the end of ``valid_to`` (None: for ever). ``file``: the id of its picture, or ""."""

    kind: str
    number: str
    valid_to: date | None = None
    file: str = ""


class Account(Struct, frozen=True):
    """A bank account 银行账户 of the firm."""

    bank: str
    number: str


class Dossier(Struct, frozen=True, kw_only=True):
    """What a supplier says of itself. ``head_number`` is masked; ``head_key`` see ``SupplierFacts``."""

    name: str
    uscc: str
    region: str
    categories: tuple[str, ...] = ()
    size_class: SizeClass = SizeClass.UNKNOWN
    prison: bool = False
    welfare: bool = False
    head_name: str = ""
    head_number: str = ""
    head_key: str = ""
    address: str = ""
    capital_fen: int = 0
    contact: str = ""
    phone: str = ""
    shareholders: tuple[Shareholder, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    accounts: tuple[Account, ...] = ()


def number_is_sound(number: str) -> bool:
    """Whether an identity number may be one: 18 characters are checked by GB 11643 (day of birth and check character,
    not the county: those of old are on no list), other papers by their shape.
    """
    if len(number) == 18:
        return bool(_IDENTITY.fullmatch(number)) and number[17] == ric.calc_check_digit(number)
    return 5 <= len(number) <= 20 and number.isascii() and number.isalnum()


def number_key(secret: bytes, number: str) -> str:
    """The keyed hash (hex) by which two registrations of one person are found without keeping his number."""
    return hmac.new(secret, b"identity number:" + number.upper().encode(), hashlib.sha256).hexdigest()


def masked_number(number: str) -> str:
    """An identity number as it is shown: six and four signs of eighteen, of shorter ones the ends."""
    ends = (6, 4) if len(number) == 18 else (1, 2)
    return number[: ends[0]] + "*" * (len(number) - sum(ends)) + number[-ends[1] :]


def masked_account(number: str) -> str:
    """The last four signs of an account's number."""
    return "*" * max(0, len(number) - 4) + number[-4:]


def controllers_of(dossier: Dossier) -> frozenset[str]:
    """Who directly holds or manages the firm (条例 §18), by credit code or head key."""
    return frozenset(s.key for s in dossier.shareholders if s.key and (s.manages or s.share_bp > HOLDS_BP))


def good_until(dossier: Dossier) -> date | None:
    """The first day on which one of its certificates holds no more; None when none ends."""
    ends = [each.valid_to for each in dossier.certificates if each.valid_to is not None]
    return min(ends) + timedelta(days=1) if ends else None


def facts_of(dossier: Dossier, org_id: UUID, status: Status) -> SupplierFacts:
    """The facts that trading rooms read, out of a dossier that comes into force."""
    return SupplierFacts(
        org_id=org_id,
        name=dossier.name,
        uscc=dossier.uscc,
        region=dossier.region,
        status=status,
        size_class=dossier.size_class,
        prison=dossier.prison,
        welfare=dossier.welfare,
        head_name=dossier.head_name,
        head_key=dossier.head_key,
        controllers=controllers_of(dossier),
        categories=dossier.categories,
        certificate_until=good_until(dossier),
    )


def dossier_from(known: SupplierFacts) -> Dossier:
    """As much of a dossier as the facts in force tell."""
    return Dossier(
        name=known.name,
        uscc=known.uscc,
        region=known.region,
        categories=known.categories,
        size_class=known.size_class,
        prison=known.prison,
        welfare=known.welfare,
        head_name=known.head_name,
        head_key=known.head_key,
    )
