"""合法性闸门: the lawful basis of a case, and the formats it allows, derived from what is bought and for how much.

Nobody chooses the basis. A live auction of many rounds is never the statutory inquiry 询价, whose price is offered once
and not changed (政府采购法 §40, 74号令 §47). It is lawful inside a framework (110号令 §33) and, under local rules,
below the limits.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

from auction.lot.model import FormatName
from standards.categories import ObjectKind
from standards.params import RuleSet


class LegalBasis(StrEnum):
    """On what basis the price is found 法律依据. Name for people: ``gate.basis.<value>``."""

    STATUTORY_INQUIRY = "statutory_inquiry"  # 询价
    FRAMEWORK_MINI = "framework_mini"  # 框架协议二次竞价
    MALL_LOCAL = "mall_local"  # 限额以下，电子卖场地方规则
    TENDER_SECOND_OFFER = "tender_second_offer"  # 谈判、磋商的最后报价


class OfferFormat(StrEnum):
    """Every format 竞价方式 the law is asked about; ``FormatName`` has those that are built."""

    SEALED_ONE_SHOT = "sealed_one_shot"
    LIVE_REVERSE = "live_reverse"
    ROUND_REVERSE = "round_reverse"
    DUTCH_REVERSE = "dutch_reverse"
    JAPANESE_REVERSE = "japanese_reverse"
    VICKREY = "vickrey"


class Method(StrEnum):
    """A procurement method 采购方式 whose last offers are asked for here."""

    NEGOTIATION = "negotiation"  # 竞争性谈判
    CONSULTATION = "consultation"  # 竞争性磋商


class GateCode(StrEnum):
    """Why a case or a format is refused, in order of precedence. Sentence: ``gate.refused.<value>``."""

    AMOUNT = "amount"
    YEAR_SUM = "year_sum"
    CEILING_OVER_AGREEMENT = "ceiling_over_agreement"
    WORKS_IN_FRAMEWORK = "works_in_framework"
    BATCH_ITEM = "batch_item"
    OPEN_TENDER = "open_tender"
    SPLIT_PURCHASE = "split_purchase"
    CENTRAL_AGENCY = "central_agency"
    WORKS = "works"
    NOT_GOODS = "not_goods"
    NOT_UNIFORM = "not_uniform"
    MALL_CLOSED = "mall_closed"
    FORMAT_SEALED_ONLY = "format_sealed_only"
    FORMAT_CLOSED = "format_closed"


class Way(StrEnum):
    """The lawful way instead 合法途径. Sentence: ``gate.way.<value>``."""

    CORRECT = "correct"
    LOWER_CEILING = "lower_ceiling"
    JOIN_BATCH = "join_batch"
    OPEN_TENDER = "open_tender"
    CENTRAL_AGENCY = "central_agency"
    WORKS_RULES = "works_rules"
    CONSULTATION = "consultation"
    SEALED_OFFER = "sealed_offer"
    OTHER_FORMAT = "other_format"


class GateFacts(Struct, frozen=True, kw_only=True):
    """What the basis follows from. Money in fen.

    ``year_sum_fen`` is what was already bought this fiscal year, under the same budget project, of the same item, by
    other ways than open tender, this case excluded. ``catalogued`` and ``batch_item`` come from the place's catalogue.
    ``uniform`` states that specification is uniform, stock ample and price steady (政府采购法 §32).
    ``non_tender_approved`` is a recorded approval of finance (条例 §23, §28). ``agreement_price_fen`` is the cap a
    framework brings.
    """

    kind: ObjectKind
    amount_fen: int
    year_sum_fen: int = 0
    catalogued: bool = False
    batch_item: bool = False
    in_batch: bool = False
    urgent_small: bool = False
    in_framework: bool = False
    agreement_price_fen: int | None = None
    by_central_agency: bool = False
    uniform: bool = False
    non_tender_approved: bool = False
    second_offer_of: Method | None = None


class Gate(Struct, frozen=True):
    """What is lawful. ``notice_workdays_min`` between publication and start; ``invite_all``: every matching admitted
    supplier is invited (110号令 §33); ``ceiling_max_fen`` the agreement price; ``clauses`` the law it follows from.
    """

    legal_basis: LegalBasis
    formats: tuple[OfferFormat, ...]
    clauses: tuple[str, ...]
    notice_workdays_min: int
    suppliers_min: int
    invite_all: bool = False
    ranking_shown: bool = True
    ceiling_max_fen: int | None = None

    @property
    def built_formats(self) -> tuple[FormatName, ...]:
        """The lawful formats that are built, in the order the law names them."""
        built = {name.value for name in FormatName}
        return tuple(FormatName(each.value) for each in self.formats if each.value in built)


class GateRefusal(Struct, frozen=True):
    """What is not lawful here: the code, the clauses, the lawful way instead, and the limit met (fen, 0: none)."""

    code: GateCode
    clauses: tuple[str, ...]
    way: Way
    limit_fen: int = 0


Verdict: TypeAlias = Gate | GateRefusal

_SEALED = (OfferFormat.SEALED_ONE_SHOT,)
_LIVE = (OfferFormat.LIVE_REVERSE, OfferFormat.ROUND_REVERSE, OfferFormat.SEALED_ONE_SHOT)
_FURTHER = (OfferFormat.DUTCH_REVERSE, OfferFormat.JAPANESE_REVERSE, OfferFormat.VICKREY)


def derive(facts: GateFacts, rules: RuleSet) -> Verdict:
    """The lawful basis of a case, or why there is none here. Pure; never raises for any facts.

    Below 不足 a threshold excludes it, from 达到 it includes it; the year's sum must exceed 超过 the tender threshold
    before it is splitting (条例 §28).
    """
    if facts.amount_fen <= 0:
        return GateRefusal(GateCode.AMOUNT, (), Way.CORRECT)
    if facts.year_sum_fen < 0:
        return GateRefusal(GateCode.YEAR_SUM, (), Way.CORRECT)
    if facts.second_offer_of is not None:
        return _second_offer(rules)
    batch = _batch_refusal(facts, rules)
    if facts.in_framework:
        return _framework_refusal(facts) or batch or _framework(facts, rules)
    return batch or _tender_refusal(facts, rules) or _outside(facts, rules)


def judge_format(gate: Gate, wanted: OfferFormat) -> GateRefusal | None:
    """Why ``wanted`` is not lawful under ``gate``, or None. A sealed basis says with which clause it is sealed."""
    if wanted in gate.formats:
        return None
    if gate.formats == _SEALED:
        return GateRefusal(GateCode.FORMAT_SEALED_ONLY, gate.clauses, Way.SEALED_OFFER)
    return GateRefusal(GateCode.FORMAT_CLOSED, gate.clauses, Way.OTHER_FORMAT)


def limit_fen(kind: ObjectKind, rules: RuleSet) -> int:
    """The limit of dispersed procurement 分散采购限额标准: from it on the law's methods apply."""
    return rules.number(f"gate.limit_{kind}_fen")


def tender_fen(kind: ObjectKind, rules: RuleSet) -> int:
    """The threshold of open tender 公开招标数额标准."""
    return rules.number(f"gate.tender_{kind}_fen")


def _batch_refusal(facts: GateFacts, rules: RuleSet) -> GateRefusal | None:
    if not facts.batch_item or facts.in_batch:
        return None
    most = rules.number("gate.batch_single_fen")
    if facts.urgent_small and facts.kind is ObjectKind.GOODS and facts.year_sum_fen + facts.amount_fen < most:
        return None  # 紧急的小额零星货物: the one exception of the clause, kept small over the year
    return GateRefusal(GateCode.BATCH_ITEM, ("R24",), Way.JOIN_BATCH, most)


def _framework_refusal(facts: GateFacts) -> GateRefusal | None:
    if facts.kind is ObjectKind.WORKS:
        return GateRefusal(GateCode.WORKS_IN_FRAMEWORK, ("110-3",), Way.WORKS_RULES)
    cap = facts.agreement_price_fen
    if cap is not None and facts.amount_fen > cap:
        return GateRefusal(GateCode.CEILING_OVER_AGREEMENT, ("110-33",), Way.LOWER_CEILING, cap)
    return None


def _tender_refusal(facts: GateFacts, rules: RuleSet) -> GateRefusal | None:
    threshold = tender_fen(facts.kind, rules)
    if facts.non_tender_approved:
        return None
    if facts.amount_fen >= threshold:
        return GateRefusal(GateCode.OPEN_TENDER, ("L27",), Way.OPEN_TENDER, threshold)
    if facts.year_sum_fen + facts.amount_fen > threshold:
        return GateRefusal(GateCode.SPLIT_PURCHASE, ("R28", "L28"), Way.OPEN_TENDER, threshold)
    return None


def _outside(facts: GateFacts, rules: RuleSet) -> Verdict:
    """Outside a framework: the local rules of the mall below the limit, the statutory inquiry from it on."""
    if facts.kind is ObjectKind.WORKS:
        return GateRefusal(GateCode.WORKS, ("L4",), Way.WORKS_RULES)
    limit = limit_fen(facts.kind, rules)
    below = facts.year_sum_fen + facts.amount_fen < limit
    if facts.catalogued and not (below and rules.flag("gate.mall_catalogued")):
        if not facts.by_central_agency:
            return GateRefusal(GateCode.CENTRAL_AGENCY, ("L18", "L7"), Way.CENTRAL_AGENCY, limit)
        return _inquiry(facts, rules, limit)
    if not below:
        return _inquiry(facts, rules, limit)
    if facts.kind is ObjectKind.SERVICES and not rules.flag("gate.mall_services"):
        return GateRefusal(GateCode.MALL_CLOSED, ("local-mall",), Way.CONSULTATION)
    formats = _with_further(_LIVE, rules) if rules.flag("gate.mall_live") else _SEALED
    notice = rules.number("notice.below_limit_workdays")
    return Gate(LegalBasis.MALL_LOCAL, formats, ("local-mall",), notice, rules.number("suppliers.min"))


def _inquiry(facts: GateFacts, rules: RuleSet, limit: int) -> Verdict:
    if facts.kind is not ObjectKind.GOODS:
        return GateRefusal(GateCode.NOT_GOODS, ("74-3",), Way.CONSULTATION, limit)
    if not facts.uniform:
        return GateRefusal(GateCode.NOT_UNIFORM, ("L32",), Way.CONSULTATION, limit)
    notice = rules.number("notice.statutory_workdays")
    least = rules.number("suppliers.statutory_min")
    return Gate(LegalBasis.STATUTORY_INQUIRY, _SEALED, ("L32", "L40", "74-47"), notice, least, ranking_shown=False)


def _framework(facts: GateFacts, rules: RuleSet) -> Gate:
    total = facts.year_sum_fen + facts.amount_fen
    above = total >= limit_fen(facts.kind, rules)
    return Gate(
        LegalBasis.FRAMEWORK_MINI,
        _with_further(_LIVE, rules),
        ("110-33", "110-35"),
        rules.number("notice.above_limit_workdays" if above else "notice.below_limit_workdays"),
        rules.number("suppliers.min"),
        invite_all=True,
        ceiling_max_fen=facts.agreement_price_fen,
    )


def _second_offer(rules: RuleSet) -> Gate:
    least = rules.number("suppliers.statutory_min")
    return Gate(LegalBasis.TENDER_SECOND_OFFER, _SEALED, ("L38",), 0, least, ranking_shown=False)


def _with_further(formats: tuple[OfferFormat, ...], rules: RuleSet) -> tuple[OfferFormat, ...]:
    return formats + _FURTHER if rules.flag("gate.further_formats") else formats
