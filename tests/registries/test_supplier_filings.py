"""供应商登记: on a pledge at once, reviewed at home, returned and corrected, changed, and read by the sign-up."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from auction.case import lawful, signing
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.problems import Problem
from plumbing.valkey import Valkey
from registries.joining import pages as joining
from registries.suppliers import doors, kin, records, rules
from registries.suppliers.model import Declarations, Status
from standards.workdays import day_of
from tests.accounts.admin.people import at
from tests.auction.walk import a_cast, published, within
from tests.registries.firms import HEAD, OTHER_HEAD, a_code, a_dossier, a_form, a_reviewer, registered, waiting
from tests.site import WithState, a_site


@pytest.fixture
def app(pool: Pool, valkey_client: Valkey, clock: Clock) -> WithState:
    return a_site(pool, valkey_client, clock, [*joining.ROUTES, *doors.ROUTES])


async def standing(pool: Pool, org_id: UUID) -> str:
    facts = await records.facts(pool, org_id)
    assert facts is not None
    return facts.status.value


async def decided(app: WithState, pool: Pool, org_id: UUID, place: str = "3301", **form: str) -> int:
    """The status of a reviewer's decision on what waits."""
    filing = await waiting(pool, org_id)
    async with at(app, pool, await a_reviewer(pool, place)) as reviewer:
        return (await reviewer.post(f"/suppliers/filings/{filing}", data=form)).status_code


@pytest.mark.parametrize(
    ("now", "pledged", "sound", "returned", "after"),
    [
        (None, True, True, 0, "provisional"), (None, False, True, 0, "reviewing"), (None, True, False, 0, "reviewing"),
        (Status.DRAFT, True, True, 1, "provisional"), (Status.DRAFT, True, True, 2, "reviewing"),
        (Status.CLOSED, True, True, 0, "reviewing"), (Status.ACTIVE, False, False, 5, "active"),
        (Status.PROVISIONAL, False, True, 0, "reviewing"),
    ],
)  # fmt: skip
def test_a_pledge_and_a_sound_code_give_standing_at_once_until_returned_twice(
    now: Status | None, pledged: bool, sound: bool, returned: int, after: str
) -> None:
    assert rules.standing_after_filing(now, pledged=pledged, sound=sound, returned=returned) == after


async def test_a_firm_registers_is_returned_corrects_is_approved_and_takes_part_throughout(
    app: WithState, pool: Pool
) -> None:
    form = a_form()
    actor = await registered(app, pool, form)
    assert await standing(pool, actor.org_id) == "provisional"
    assert await decided(app, pool, actor.org_id, "3302", decision="approve") == 404, "another city's"
    assert await decided(app, pool, actor.org_id, decision="return") == 409, "without a reason"
    assert await decided(app, pool, actor.org_id, decision="return", remark="请补充营业执照") == 303
    assert await standing(pool, actor.org_id) == "draft"
    async with at(app, pool, actor) as own:
        assert "请补充营业执照" in (await own.get("/suppliers/own")).text
        paper = {"paper-1-kind": "营业执照", "paper-1-number": form["uscc"], "paper-1-until": "2099-12-31"}
        corrected = a_dossier(form, head_id="", **paper)
        assert (await own.post("/suppliers/own", data=corrected)).status_code == 303
    assert await standing(pool, actor.org_id) == "provisional"
    assert await decided(app, pool, actor.org_id, decision="approve") == 303
    facts = await records.facts(pool, actor.org_id)
    assert facts is not None
    assert (facts.status, facts.categories, facts.uscc) == (Status.ACTIVE, ("A02091001", "A"), form["uscc"])
    assert str(facts.certificate_until) == "2100-01-01"
    stages = await pool.fetch("SELECT stage FROM supplier_filing WHERE org_id = $1 ORDER BY no", actor.org_id)
    assert [row["stage"] for row in stages] == ["returned", "approved"]


async def test_a_doubtful_code_waits_and_is_approved_once_the_licence_was_looked_at(app: WithState, pool: Pool) -> None:
    sound = a_code()
    form = a_form(uscc=sound[:17] + ("A" if sound[17] != "A" else "B"))
    actor = await registered(app, pool, form)
    assert await standing(pool, actor.org_id) == "reviewing"
    assert await decided(app, pool, actor.org_id, decision="approve") == 409
    assert await decided(app, pool, actor.org_id, decision="approve", proven="1") == 303
    assert await standing(pool, actor.org_id) == "active"


async def test_a_change_holds_from_its_approval_on_and_shows_before_and_after(app: WithState, pool: Pool) -> None:
    form = a_form()
    actor = await registered(app, pool, form)
    await decided(app, pool, actor.org_id, decision="approve")
    changed = a_dossier(form, name=form["name"] + "（集团）", head_id=OTHER_HEAD, region="330200")
    async with at(app, pool, actor) as own:
        assert (await own.post("/suppliers/own", data=changed)).status_code == 303
    facts = await records.facts(pool, actor.org_id)
    assert facts is not None
    assert (facts.name, facts.status, facts.region) == (form["name"], Status.ACTIVE, "330106")
    filing = await waiting(pool, actor.org_id)
    async with at(app, pool, await a_reviewer(pool, "3302")) as new_home:
        page = (await new_home.get(f"/suppliers/filings/{filing}")).text
        assert 'data-field="name"' in page
        assert 'data-field="head_id"' in page
        assert HEAD not in page
        assert OTHER_HEAD not in page
        assert 'data-field="phone"' not in page
        assert (await new_home.post(f"/suppliers/filings/{filing}", data={"decision": "approve"})).status_code == 303
    now = await records.facts(pool, actor.org_id)
    assert now is not None
    assert (now.name, now.region) == (changed["name"], "330200")
    assert now.head_key != facts.head_key


async def test_two_firms_of_one_head_are_kept_apart_and_the_number_is_nowhere(
    app: WithState, pool: Pool, valkey_client: Valkey
) -> None:
    cast = await a_cast(pool, suppliers=0)
    auction_id, _ = await published(pool, valkey_client, cast)
    one, two = await registered(app, pool, a_form()), await registered(app, pool, a_form(region="330281"))
    three = await registered(app, pool, a_form(head_id=OTHER_HEAD))
    now = Clock().now_ms()
    await within(pool, signing.sign_up, one, auction_id, Declarations(), now)
    with pytest.raises(Problem) as refused:
        await within(pool, signing.sign_up, two, auction_id, Declarations(), now)
    assert refused.value.code == "supplier_related"
    await within(pool, signing.sign_up, three, auction_id, Declarations(), now)
    kept = await pool.fetch("SELECT content::text AS text FROM supplier_filing")
    assert not [row for row in kept if HEAD in row["text"] or OTHER_HEAD in row["text"]]


async def test_a_firm_whose_certificate_ran_out_may_not_sign_up_until_it_is_renewed(
    app: WithState, pool: Pool, valkey_client: Valkey
) -> None:
    form = a_form()
    actor = await registered(app, pool, form)
    today = day_of(Clock().now_ms())
    paper = {"paper-1-kind": "许可证", "paper-1-number": "1", "paper-1-until": str(today)}
    async with at(app, pool, actor) as own:
        assert (await own.post("/suppliers/own", data=a_dossier(form, **paper))).status_code == 303
    cast = await a_cast(pool, suppliers=0)
    auction_id, _ = await published(pool, valkey_client, cast)
    tomorrow = Clock().now_ms() + 86_400_000
    assert "certificate_expired" in await lawful.qualify(pool, actor.org_id, {"category": "A02091001"}, [], tomorrow)  # type: ignore[arg-type]
    await pool.execute("UPDATE supplier SET certificate_until = $2 WHERE org_id = $1", actor.org_id, today)
    with pytest.raises(Problem) as refused:
        await within(pool, signing.sign_up, actor, auction_id, Declarations(), Clock().now_ms())
    assert refused.value.code == "supplier_certificate_expired"
    async with at(app, pool, actor) as own:
        renewed = a_dossier(form, **(paper | {"paper-1-until": str(today + timedelta(days=400))}))
        assert (await own.post("/suppliers/own", data=renewed)).status_code == 303
    await within(pool, signing.sign_up, actor, auction_id, Declarations(), Clock().now_ms())


async def test_a_shareholder_with_more_than_half_keeps_two_firms_apart(
    app: WithState, pool: Pool, valkey_client: Valkey
) -> None:
    mother, daughter = a_form(), a_form(head_id=OTHER_HEAD)
    above, below = await registered(app, pool, mother), await registered(app, pool, daughter)
    holder = {"holder-1-name": mother["name"], "holder-1-number": mother["uscc"], "holder-1-share": "51"}
    async with at(app, pool, below) as own:
        assert (await own.post("/suppliers/own", data=a_dossier(daughter, **holder))).status_code == 303
    cast = await a_cast(pool, suppliers=0)
    auction_id, _ = await published(pool, valkey_client, cast)
    await within(pool, signing.sign_up, above, auction_id, Declarations(), Clock().now_ms())
    with pytest.raises(Problem) as refused:
        await within(pool, signing.sign_up, below, auction_id, Declarations(), Clock().now_ms())
    assert refused.value.code == "supplier_related"
    row = {"category": "A02091001"}
    assert await lawful.qualify(pool, below.org_id, row, [above.org_id], Clock().now_ms()) == ["related"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"holder-1-name": "甲"}, "holder-1-number"),
        ({"holder-1-name": "甲", "holder-1-number": "12"}, "holder-1-number"),
        ({"holder-1-name": "甲", "holder-1-number": OTHER_HEAD, "holder-1-share": "101"}, "holder-1-share"),
        ({"paper-1-kind": "许可证", "paper-1-number": "1", "paper-1-until": "2026-02-30"}, "paper-1-until"),
        ({"paper-1-kind": "许可证", "paper-1-number": "1", "paper-1-until": "2026-01-31"}, "paper-1-until"),
        ({"paper-2-kind": "许可证"}, "paper-2-number"),
        ({"account-1-bank": "某行", "account-1-number": "12a"}, "account-1-number"),
        ({"size_class": "huge"}, "size_class"), ({"capital": "-1"}, "capital"), ({"contact": ""}, "contact"),
        ({"region": "999999"}, "region"), ({"head_id": "330106198512120020"}, "head_id"), ({"uscc": "12"}, ""),
    ],
)  # fmt: skip
async def test_what_is_wrong_in_a_dossier_is_said_and_nothing_is_kept(
    app: WithState, pool: Pool, changed: dict[str, str], field: str
) -> None:
    form = a_form()
    actor = await registered(app, pool, form)
    async with at(app, pool, actor) as own:
        answer = await own.post("/suppliers/own", data=a_dossier(form, **changed))
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text or not field
    assert await pool.fetchval("SELECT count(*) FROM supplier_filing WHERE org_id = $1", actor.org_id) == 1


async def test_a_certificate_that_has_run_out_may_stay_until_it_is_renewed(app: WithState, pool: Pool) -> None:
    """Whoever is limited for it can still file other changes; another one that is over is refused."""
    form = a_form()
    actor = await registered(app, pool, form)
    paper = {"paper-1-kind": "营业执照", "paper-1-number": "X1", "paper-1-until": "2099-12-31"}
    over = paper | {"paper-1-until": "2026-01-31"}
    async with at(app, pool, actor) as own:
        assert (await own.post("/suppliers/own", data=a_dossier(form, **over))).status_code == 422
        assert (await own.post("/suppliers/own", data=a_dossier(form, **paper))).status_code == 303
        ran_out = "UPDATE supplier_filing SET content = replace(content::text, '2099-12-31', '2026-01-31')::jsonb"
        await pool.execute(f"{ran_out} WHERE org_id = $1", actor.org_id)
        assert (await own.post("/suppliers/own", data=a_dossier(form, phone="1", **over))).status_code == 303


async def test_a_later_version_replaces_the_one_that_waits_and_the_old_one_is_decided_no_more(
    app: WithState, pool: Pool
) -> None:
    form = a_form()
    actor = await registered(app, pool, form)
    first = await waiting(pool, actor.org_id)
    async with at(app, pool, actor) as own:
        assert (await own.post("/suppliers/own", data=a_dossier(form, phone="1"))).status_code == 303
    async with at(app, pool, await a_reviewer(pool)) as reviewer:
        answer = await reviewer.post(f"/suppliers/filings/{first}", data={"decision": "approve"})
        assert answer.status_code == 409
        listed = (await reviewer.get(f"/suppliers/filings?words={form['uscc']}")).text
    assert listed.count(f'data-uscc="{form["uscc"]}"') == 1


async def test_nobody_registers_under_a_name_or_code_that_is_in_use(app: WithState, pool: Pool) -> None:
    form = a_form()
    await registered(app, pool, form)
    other = await registered(app, pool, a_form())
    async with at(app, pool, other) as own:
        for changed in (
            {"name": form["name"] + " "},
            {"name": form["name"].replace("（", "(")},
            {"uscc": form["uscc"]},
        ):
            answer = await own.post("/suppliers/own", data=a_dossier(a_form()) | changed)
            assert answer.status_code == 422, changed
    assert await pool.fetchval("SELECT count(*) FROM supplier_filing WHERE org_id = $1", other.org_id) == 1


async def test_one_who_is_not_who_he_says_is_rejected_and_the_true_firm_has_its_code(
    app: WithState, pool: Pool
) -> None:
    form = a_form()
    actor = await registered(app, pool, form)
    assert await decided(app, pool, actor.org_id, decision="reject") == 409, "without a reason"
    assert await decided(app, pool, actor.org_id, decision="reject", remark="冒用名义") == 303
    assert await standing(pool, actor.org_id) == "closed"
    true = await registered(app, pool, a_form(name=form["name"], uscc=form["uscc"]))
    assert await decided(app, pool, true.org_id, decision="approve") == 303
    async with at(app, pool, true) as own:
        assert (await own.post("/suppliers/own", data=a_dossier(form, phone="2"))).status_code == 303
    assert await decided(app, pool, true.org_id, decision="reject", remark="误操作") == 409, "an active one is banned"
    assert await standing(pool, true.org_id) == "active"


async def test_a_firm_that_closes_its_registration_is_back_when_it_is_approved_again(
    app: WithState, pool: Pool
) -> None:
    form = a_form()
    actor = await registered(app, pool, form)
    async with at(app, pool, actor) as own:
        assert (await own.post("/suppliers/own/closing")).status_code == 415
        assert (await own.post("/suppliers/own/closing", data={"sure": ""})).status_code == 422
        assert (await own.post("/suppliers/own/closing", data={"sure": "1"})).status_code == 303
        assert await standing(pool, actor.org_id) == "closed"
        assert (await own.post("/suppliers/own", data=a_dossier(form))).status_code == 303
    assert await standing(pool, actor.org_id) == "reviewing", "a pledge alone does not open it again"
    assert await decided(app, pool, actor.org_id, decision="approve") == 303
    assert await standing(pool, actor.org_id) == "active"


async def test_the_reviewer_sees_who_looks_like_the_firm(app: WithState, pool: Pool) -> None:
    mark = uuid4().hex[:6]
    first = a_form(name=f"杭州云桥{mark}科技有限公司")
    await registered(app, pool, first)
    twin = a_form(name=f"浙江云桥{mark}科技股份有限公司", phone="13800000000")
    actor = await registered(app, pool, twin)
    filing = await waiting(pool, actor.org_id)
    async with at(app, pool, await a_reviewer(pool)) as reviewer:
        page = (await reviewer.get(f"/suppliers/filings/{filing}")).text
    assert first["name"] in page
    assert 'data-likeness="alike_name"' in page
    assert 'data-likeness="same_head"' in page


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("杭州云视科技有限公司", "浙江云视科技股份有限公司"), ("宁波市声远电子有限公司", "声远电子（宁波）有限公司"),
        ("绍兴智联设备有限责任公司", "绍兴市智联设备集团有限公司"),
    ],
)  # fmt: skip
def test_two_names_of_one_core_look_alike(one: str, two: str) -> None:
    assert kin.core_of(one) == kin.core_of(two)


def test_names_of_other_cores_do_not() -> None:
    assert len({kin.core_of(name) for name in ("杭州云视科技有限公司", "杭州云视商贸有限公司", "杭州有限公司")}) == 3
