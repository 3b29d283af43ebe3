"""疑似重复与关联: other suppliers that look like the same firm under another name, or share what firms do not share.

Shown to the reviewer, never refused by itself: a person compares.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache
from uuid import UUID

from msgspec import Struct

from accounts import names
from plumbing.lists import plain
from plumbing.postgres import Connection, Pool
from registries.suppliers.dossier import Dossier
from registries.suppliers.filings import SQL
from standards import regions

CORE_MIN = 2
_FORMS = re.compile("(?:股份有限公司|有限责任公司|有限公司|集团公司|集团|公司|分公司|合伙企业|经营部|商行|厂)+$")


class Likeness(StrEnum):
    """What two firms have in common, the weightiest first. Sentence: ``supplier.likeness.*``."""

    SAME_BODY = "same_body"  # the body code within the credit code 主体标识码: one firm under two codes
    SAME_HEAD = "same_head"
    ALIKE_NAME = "alike_name"
    SAME_ACCOUNT = "same_account"
    SAME_PHONE = "same_phone"


class Kin(Struct, frozen=True):
    """Another supplier, and what it has in common with this one."""

    org_id: UUID
    name: str
    uscc: str
    likeness: tuple[Likeness, ...]


@cache
def _places() -> re.Pattern[str]:
    known = {
        name for full in regions.BUILT_IN.values() for name in (full, re.sub("[省市区县]$", "", full)) if len(name) > 1
    }
    return re.compile("^(?:" + "|".join(sorted(map(re.escape, known), key=len, reverse=True)) + ")+[省市区县]?")


def core_of(name: str) -> str:
    """The part of a firm's name that is its own, as the eye sees it: without place, legal form, brackets, blanks."""
    bare = re.sub("[（(][^（()）]*[)）]", "", name)
    key = names.key_of(bare)
    core = _FORMS.sub("", _places().sub("", key))
    return core if len(core) >= CORE_MIN else key


async def of(conn: Connection | Pool, org_id: UUID, dossier: Dossier) -> list[Kin]:
    """The suppliers that look like the one of ``dossier``, at most twenty."""
    accounts = [account.number for account in dossier.accounts]
    core = core_of(dossier.name)
    given = (dossier.uscc[8:17], dossier.head_key, plain(core), accounts, dossier.phone)
    found = []
    for row in await conn.fetch(SQL["kin"], org_id, *given):
        alike = row["near"] and core_of(row["name"]) == core
        common = [each for each in Likeness if (alike if each is Likeness.ALIKE_NAME else row[each.value])]
        if common:
            found.append(Kin(row["org_id"], row["name"], row["uscc"], tuple(common)))
    return found[:20]
