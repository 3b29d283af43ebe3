"""谁看得到什么: what of a supplier each reader sees. Public things to all, contacts masked to those who buy, all to its
own people and to finance where it is at home.
"""

from __future__ import annotations

from enum import IntEnum
from uuid import UUID

from accounts.acts import Act
from accounts.model import Actor, Role
from accounts.rules import may_act
from registries.filing.model import masked_phone
from registries.suppliers.dossier import Dossier, masked_account
from registries.suppliers.reading import as_lines

_PARTIES = (Role.BUYER, Role.HEAD, Role.AGENCY, Role.SUPERVISOR)
_PUBLIC = ("name", "uscc", "region", "categories", "size_class", "prison", "welfare")
_FOR_PARTIES = (*_PUBLIC, "head_name", "address", "capital", "contact", "phone", "certificates", "shareholders")


class Sight(IntEnum):
    """How much of a supplier somebody sees."""

    PUBLIC = 0
    PARTY = 1
    WHOLE = 2


def sight_of(actor: Actor | None, org_id: UUID, region: str, now_ms: int) -> Sight:
    """What this reader sees of the supplier, which is at home in ``region``."""
    if actor is None:
        return Sight.PUBLIC
    if actor.org_id == org_id or may_act(actor, Act.SUPPLIER_REVIEW, region=region, now_ms=now_ms):
        return Sight.WHOLE
    return Sight.PARTY if actor.has(*_PARTIES) else Sight.PUBLIC


def lines_for(dossier: Dossier, sight: Sight) -> dict[str, str]:
    """The dossier field by field, masked for this sight."""
    lines = as_lines(dossier)
    if sight is Sight.WHOLE:
        return lines
    if sight is Sight.PUBLIC:
        return {name: lines[name] for name in _PUBLIC}
    shown = {name: lines[name] for name in _FOR_PARTIES}
    shown["phone"] = masked_phone(dossier.phone)
    shown["shareholders"] = "；".join(f"{each.name} {each.share_bp / 100:g}%" for each in dossier.shareholders)
    shown["accounts"] = "；".join(f"{each.bank} {masked_account(each.number)}" for each in dossier.accounts)
    return shown
