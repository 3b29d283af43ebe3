"""Who may take part in what, who is related to whom, and what is deducted."""

from __future__ import annotations

from datetime import date
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.records import add_organisation
from plumbing.postgres import Pool
from registries.suppliers import records, rules
from registries.suppliers.model import (
    Ban,
    Declarations,
    Disqualification,
    Relation,
    SizeClass,
    Status,
    SupplierFacts,
)
from server import site
from standards.categories import ObjectKind
from standards.params import RuleParam, RuleSet, resolve
from standards.workdays import start_of_day_ms

TODAY = date(2026, 11, 22)
NOW = start_of_day_ms(TODAY)
COMPUTERS = "A02010105"
RULES = resolve([], "330106", TODAY)
CODE = "91110000101623741K"


def a_supplier(**changes: object) -> SupplierFacts:
    """An active small supplier of equipment."""
    fields = {"org_id": uuid4(), "name": "公司", "uscc": "", "region": "330106", "status": Status.ACTIVE}
    fields |= {"size_class": SizeClass.SMALL, "categories": ("A02000000",)}
    return SupplierFacts(**(fields | changes))  # type: ignore[arg-type]


def a_ban(begins: date | None = date(2026, 1, 1), ends: date | None = date(2027, 1, 1)) -> Ban:
    return Ban(begins, ends, "提供虚假材料", "杭州市财政局")


@pytest.mark.parametrize(
    ("facts", "codes"),
    [
        (None, ["not_registered"]),
        (a_supplier(), []),
        (a_supplier(status=Status.DRAFT), ["under_review"]),
        (a_supplier(status=Status.REVIEWING, categories=()), ["under_review", "out_of_scope"]),
        (a_supplier(status=Status.CLOSED), ["closed"]),
        (a_supplier(status=Status.PROVISIONAL), []),
        (a_supplier(categories=("C", "A05000000")), ["out_of_scope"]),
        (a_supplier(certificate_until=TODAY), ["certificate_expired"]),
        (a_supplier(certificate_until=date(2026, 11, 23)), []),
        (a_supplier(bans=(a_ban(),)), ["banned"]),
        (a_supplier(bans=(a_ban(ends=TODAY),)), []),
        (a_supplier(bans=(a_ban(begins=TODAY, ends=None),)), ["banned"]),
        (a_supplier(bans=(a_ban(begins=date(2026, 11, 23)),)), []),
        (a_supplier(bans=(a_ban(None, None),)), ["banned"]),
        (a_supplier(region="110101"), []),
    ],
)
def test_a_supplier_takes_part_when_registered_not_banned_and_in_scope(
    facts: SupplierFacts | None, codes: list[str]
) -> None:
    assert rules.qualify(facts, COMPUTERS, NOW) == codes


def test_a_ban_ends_by_itself_at_midnight_in_shanghai() -> None:
    banned = a_supplier(bans=(a_ban(ends=TODAY),))
    assert rules.qualify(banned, COMPUTERS, NOW - 1) == [Disqualification.BANNED]
    assert rules.qualify(banned, COMPUTERS, NOW) == []


def test_the_same_head_or_direct_control_keeps_two_suppliers_apart() -> None:
    one = a_supplier(head_key="aa", uscc=CODE)
    assert rules.relations(one, a_supplier(head_key="aa")) == [Relation.SAME_HEAD]
    daughter = a_supplier(controllers=frozenset({CODE}))
    assert rules.relations(one, daughter) == rules.relations(daughter, one) == [Relation.DIRECT_CONTROL]
    other = a_supplier()
    assert [found.org_id for found in rules.conflicts(one, [daughter, other])] == [daughter.org_id]


def test_what_the_clause_does_not_name_is_no_conflict() -> None:
    namesake = a_supplier(head_name="王伟"), a_supplier(head_name="王伟")
    assert not rules.related(*namesake)
    sisters = a_supplier(controllers=frozenset({CODE})), a_supplier(controllers=frozenset({CODE}))
    assert rules.relations(*sisters) == [Relation.SAME_CONTROLLER]
    assert not rules.related(*sisters)
    unknown = a_supplier(controllers=frozenset({""})), a_supplier(controllers=frozenset({""}))
    assert rules.relations(*unknown) == []
    one = a_supplier(head_key="aa", uscc=CODE)
    assert rules.relations(one, one) == []


def deducted(facts: SupplierFacts, declared: Declarations, rule_set: RuleSet = RULES, **more: object) -> int:
    return rules.deduction_bp(facts, declared, rule_set, **more)  # type: ignore[arg-type]


def test_the_rates_add_on_the_original_price() -> None:
    declared = Declarations(small_makers=True, domestic_share_bp=8_000)
    assert deducted(a_supplier(), declared, foreign_competes=True) == 3_500
    assert 100 * (10_000 - 3_500) // 10_000 == 65


@pytest.mark.parametrize(
    ("facts", "declared", "more", "bp"),
    [
        (a_supplier(), Declarations(), {}, 0),
        (a_supplier(), Declarations(small_makers=True), {}, 1_500),
        (a_supplier(), Declarations(small_makers=True), {"kind": ObjectKind.WORKS}, 300),
        (a_supplier(), Declarations(small_makers=True), {"reserved": True}, 0),
        (a_supplier(size_class=SizeClass.LARGE), Declarations(small_makers=True), {}, 0),
        (a_supplier(size_class=SizeClass.UNKNOWN), Declarations(small_makers=True), {}, 0),
        (a_supplier(size_class=SizeClass.LARGE, prison=True), Declarations(small_makers=True), {}, 1_500),
        (a_supplier(size_class=SizeClass.MEDIUM, welfare=True), Declarations(small_makers=True), {}, 1_500),
        (a_supplier(size_class=SizeClass.LARGE), Declarations(small_share_bp=3_000), {}, 400),
        (a_supplier(size_class=SizeClass.LARGE), Declarations(small_share_bp=2_999), {}, 0),
        (a_supplier(), Declarations(domestic_share_bp=8_000), {}, 0),
        (a_supplier(), Declarations(domestic_share_bp=8_000), {"foreign_competes": True}, 2_000),
        (a_supplier(), Declarations(domestic_share_bp=7_999), {"foreign_competes": True}, 0),
    ],
)
def test_a_deduction_needs_size_and_declaration(
    facts: SupplierFacts, declared: Declarations, more: dict[str, object], bp: int
) -> None:
    assert deducted(facts, declared, **more) == bp


def test_the_cap_holds() -> None:
    capped = resolve([RuleParam("policy.cap_bp", "33", date(2026, 1, 1), None, 2_500, "x")], "330106", TODAY)
    declared = Declarations(small_makers=True, domestic_share_bp=10_000)
    assert deducted(a_supplier(), declared, capped, foreign_competes=True) == 2_500


@given(st.sampled_from(SizeClass), st.booleans(), st.integers(0, 10_000), st.integers(0, 10_000), st.booleans())
def test_no_deduction_leaves_the_bounds(size: SizeClass, small: bool, share: int, domestic: int, foreign: bool) -> None:
    declared = Declarations(small, share, domestic)
    assert 0 <= deducted(a_supplier(size_class=size), declared, foreign_competes=foreign) <= 4_000


async def an_organisation(pool: Pool, kind: str = "supplier", uscc: str | None = None) -> UUID:
    return await add_organisation(pool, name="登记测试公司", kind=kind, region="330106", uscc=uscc)


async def test_a_registration_is_stored_changed_and_read_back(pool: Pool) -> None:
    org_id = await an_organisation(pool)
    given_facts = a_supplier(
        org_id=org_id, name="登记测试公司", head_name="王伟", head_key="ab" * 32, controllers=frozenset({CODE}),
        certificate_until=date(2030, 1, 1),
    )  # fmt: skip
    async with pool.acquire() as conn:
        assert await records.facts(conn, org_id) is None
        await records.put(conn, given_facts)
        assert await records.facts(conn, org_id) == given_facts
        await records.put(conn, a_supplier(org_id=org_id, status=Status.CLOSED))
        changed = await records.facts(conn, org_id)
    assert changed is not None
    assert (changed.status, changed.head_key, changed.controllers) == (Status.CLOSED, "", frozenset())


async def test_a_ban_is_stored_and_lifted(pool: Pool) -> None:
    org_id = await an_organisation(pool)
    async with pool.acquire() as conn:
        await records.put(conn, a_supplier(org_id=org_id))
        await records.ban(conn, org_id, a_ban(), None)
        banned = await records.facts(conn, org_id)
        assert banned is not None
        assert banned.bans == (a_ban(),)
        await records.put(conn, a_supplier(org_id=org_id, status=Status.ACTIVE))
        ban_id = await conn.fetchval("SELECT id FROM supplier_ban WHERE org_id = $1", org_id)
        await conn.execute(records.SQL["lift_ban"], ban_id, TODAY, None, "复议撤销")
        assert rules.qualify(await records.facts(conn, org_id), COMPUTERS, NOW) == []
        assert rules.qualify(await records.facts(conn, org_id), COMPUTERS, NOW - 1) == ["banned"]


async def test_only_a_supplier_organisation_is_registered_and_only_for_real_categories(pool: Pool) -> None:
    buyer = await an_organisation(pool, "buyer")
    async with pool.acquire() as conn:
        with pytest.raises(LookupError):
            await records.put(conn, a_supplier(org_id=buyer))
        with pytest.raises(ValueError):
            await records.put(conn, a_supplier(org_id=buyer, categories=("设备",)))


async def test_a_framework_invites_every_active_supplier_in_scope(fresh_pool: Pool) -> None:
    wide, narrow, printers, closed = [await an_organisation(fresh_pool) for _ in range(4)]
    async with fresh_pool.acquire() as conn:
        await records.put(conn, a_supplier(org_id=wide, categories=("C", "A")))
        await records.put(conn, a_supplier(org_id=narrow, categories=(COMPUTERS,)))
        await records.put(conn, a_supplier(org_id=printers, categories=("A02021000",)))
        await records.put(conn, a_supplier(org_id=closed, status=Status.CLOSED))
        assert set(await records.matching(conn, COMPUTERS)) == {wide, narrow}
        assert set(await records.matching(conn, "A02021003")) == {wide, printers}


def test_every_word_of_the_registry_is_in_the_catalogue() -> None:
    catalogue = site.load_texts()
    wanted = [f"problem.supplier_{each}" for each in Disqualification] + [f"relation.{each}" for each in Relation]
    wanted += [f"size_class.{each}" for each in SizeClass]
    assert [key for key in wanted if key not in catalogue] == []
