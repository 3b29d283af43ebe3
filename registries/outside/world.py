"""模拟外部登记: a made-up world of firms that plays the outside registers, in the demonstration and in tests.

Any sound code is some firm: what is said of it follows from the code alone. The last sign of its body code (the 17th
of all) says what is wrong with it: 3 has paid no social insurance since a year, 4 owes taxes, 5 stands among the
dishonest debtors, 6 is revoked, 7 is not known; every other is in order. Codes that fail their check are unknown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import date, timedelta

from msgspec import structs

from registries.outside.model import (
    CreditEntry,
    CreditExtract,
    CreditKind,
    Extract,
    FirmExtract,
    FirmState,
    Holder,
    Register,
    SocialExtract,
    TaxExtract,
)
from standards import regions, uscc

NO_INSURANCE, OWES, DEBTOR, REVOKED, UNKNOWN = "3", "4", "5", "6", "7"
_OWN = ("云远晨新清宏青启越海博智汇润嘉恒信达凯瑞", "谷帆光安塘源泽禾明岳文联创华禧通诚盛丰泰", "和兴林江川峰隆宇佳欣")
_TRADES = ("科技", "电子", "办公设备", "信息技术", "家具", "物业服务", "仪器", "商贸")
_SURNAMES, _GIVEN = "陈林叶徐潘方俞沈虞傅", ("立新", "晓岚", "建国", "文静", "海波", "雅琴", "志远", "慧敏")


class World:
    """The firms there are. ``stated``: those of a story, by code; all others follow from their code."""

    def __init__(self, today: Callable[[], date], stated: Mapping[str, FirmExtract] | None = None) -> None:
        self.today, self.stated = today, dict(stated or {})

    def extract(self, register: Register, code: str) -> Extract | None:
        """What a register says of the firm with this code; None where it knows none."""
        if code not in self.stated and (uscc.check(code).issue is not None or code[16] == UNKNOWN):
            return None
        if register is Register.FIRM:
            return self.stated.get(code) or self._firm(code)
        trouble = "" if code in self.stated else code[16]
        if register is Register.TAX:
            return TaxExtract("C" if trouble == OWES else "A", 12_345_600 * (trouble == OWES), self._last_month())
        if register is Register.SOCIAL:
            return SocialExtract(
                _number(code, 200) + 3, self._last_month() - timedelta(days=365 * (trouble == NO_INSURANCE))
            )
        debts = CreditEntry(
            CreditKind.DEBTOR,
            f"（2026）浙{code[2:6]}执{_number(code, 9_000)}号",
            "杭州市中级人民法院",
            date(2026, 3, 2),
        )
        return CreditExtract((debts,) if trouble == DEBTOR else ())

    async def ask(self, register: Register, code: str) -> Extract | None:
        """As a connector."""
        return self.extract(register, code)

    def _last_month(self) -> date:
        return self.today().replace(day=1) - timedelta(days=1)

    def _firm(self, code: str) -> FirmExtract:
        region = code[2:8] if code[2:8] in regions.NAMES else "330106"
        place = regions.NAMES[region]
        seed = _number(code, 1 << 32)
        head = _SURNAMES[seed % 10] + _GIVEN[seed // 10 % 8]
        signs = _OWN[0][seed // 80 % 20] + _OWN[1][seed // 1_600 % 20] + _OWN[2][seed // 32_000 % 10]
        own = f"{place.rstrip('省市区县')}{signs}{_TRADES[seed // 320_000 % 8]}"
        firm = FirmExtract(
            name=f"{own}有限公司",
            region=region,
            state=FirmState.REVOKED if code[16] == REVOKED else FirmState.EXISTING,
            head_name=head,
            address=f"{regions.full_name(region)}文苑路{seed % 900 + 1}号",
            capital_fen=(seed % 50 + 1) * 10_000_000,
            founded=date(2005, 1, 1) + timedelta(days=seed % 7_000),
        )
        return structs.replace(firm, holders=(Holder(head, "", 6_000), Holder(f"{own}投资有限公司", "", 4_000)))


def _number(code: str, below: int) -> int:
    return int.from_bytes(hashlib.sha256(code.encode()).digest()[:8], "big") % below
