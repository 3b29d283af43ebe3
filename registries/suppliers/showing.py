"""谁看得到什么: what of a supplier's dossier is left at each sight."""

from __future__ import annotations

from registries.filing.model import masked_phone
from registries.filing.sight import Sight
from registries.suppliers.dossier import Dossier, masked_account
from registries.suppliers.reading import as_lines

_PUBLIC = ("name", "uscc", "region", "categories", "size_class", "prison", "welfare")
_FOR_PARTIES = (*_PUBLIC, "head_name", "address", "capital", "contact", "phone", "certificates", "shareholders")


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
