"""公务用车库: from quota through purchase, asset, dispatch, fuel and repair to an alert; each seat does its part."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from accounts.model import Actor, Role
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.problems import Problem
from plumbing.valkey import Valkey
from registries.vehicles import doors, operations, rules
from registries.vehicles.model import STAGES, Entry, Kind, Limits, Stage, Vehicle, What, Wish
from standards.workdays import day_of
from tests.accounts.admin.people import at
from tests.auction.people import an_actor, an_organisation
from tests.registries.firms import a_reviewer
from tests.site import WithState, a_site

TODAY = day_of(Clock().now_ms())
NEXT_YEAR = (TODAY + timedelta(days=365)).isoformat()
WISH = {
    "kind": "emergency",
    "model": "某牌 1.8L",
    "price": "175000",
    "engine_ml": "1798",
    "tank_l": "55",
    "reason": "应急",
}
PLAIN = Limits(18_000_000, 1_800)


@pytest.fixture
def app(pool: Pool, valkey_client: Valkey, clock: Clock) -> WithState:
    return a_site(pool, valkey_client, clock, doors.ROUTES)


async def a_unit(pool: Pool) -> tuple[Actor, str]:
    """Somebody who buys for a unit in Hangzhou, and the unit's name."""
    name = f"杭州某局 {uuid4().hex[:8]}"
    return await an_actor(pool, await an_organisation(pool, "buyer", "330106", name), Role.BUYER), name


async def quota(app: WithState, pool: Pool, unit: str, number: int, place: str = "3301", **changed: str) -> int:
    form = {"unit": unit, "kind": "emergency", "number": str(number), "document": "杭机编〔2026〕1号"}
    async with at(app, pool, await a_reviewer(pool, place)) as office:
        return (await office.post("/vehicles/quotas", data=form | changed)).status_code


async def an_active(app: WithState, pool: Pool) -> tuple[UUID, Actor, Actor]:
    """A vehicle in use, its unit's buyer, and finance."""
    buyer, unit = await a_unit(pool)
    finance = await a_reviewer(pool)
    assert await quota(app, pool, unit, 1) == 303
    async with at(app, pool, buyer) as own, at(app, pool, finance) as approver:
        asked = await own.post("/vehicles/new", data=WISH)
        where = asked.headers["location"]
        assert (await own.post(f"{where}/asset", data={"plate": "浙A1"})).status_code == 409, "not approved yet"
        assert (await approver.post(f"{where}/decision", data={"decision": "refuse"})).status_code == 409, "no reason"
        assert (await approver.post(f"{where}/decision", data={"decision": "approve"})).status_code == 303
        mark = uuid4().hex[:6].upper()
        asset = {"plate": f"浙A{mark}", "vin": f"LSV{mark}{mark}00", "price": "175000", "until": NEXT_YEAR}
        assert (await own.post(f"{where}/asset", data=asset)).status_code == 303
    return UUID(where.rsplit("/", 1)[1]), buyer, finance


async def a_point(app: WithState, pool: Pool, finance: Actor, *services: str, region: str = "330100") -> Actor:
    """Somebody of a firm that serves a place as a fixed point."""
    name = f"杭州某国企 {uuid4().hex[:8]}"
    firm = await an_actor(pool, await an_organisation(pool, "supplier", "330106", name), Role.SUPPLIER)
    async with at(app, pool, finance) as browser:
        for service in services:
            form = {"firm": name, "service": service, "region": region, "contract": "DD-1"}
            assert (await browser.post("/vehicles/points", data=form)).status_code == 303
    return firm


async def alerts_of(pool: Pool, vehicle: UUID) -> list[str]:
    given = "SELECT vehicle_alerts(v, $2::date) FROM vehicle v WHERE id = $1"
    return list(await pool.fetchval(given, vehicle, TODAY))


async def test_from_quota_through_purchase_fuel_and_repair_to_an_alert(app: WithState, pool: Pool) -> None:
    vehicle, buyer, finance = await an_active(app, pool)
    firm, where = await a_point(app, pool, finance, "fuel", "repair"), f"/vehicles/{vehicle}"
    fuel = {"what": "fuel", "amount": "400", "litres": "50", "km": "1200", "place": "330106"}
    async with at(app, pool, firm) as point, at(app, pool, buyer) as own, at(app, pool, finance) as approver:
        assert (await point.post(f"{where}/service", data=fuel)).status_code == 303
        assert await alerts_of(pool, vehicle) == []
        assert (await point.post(f"{where}/service", data=fuel | {"place": "330203", "km": "1300"})).status_code == 303
        assert await alerts_of(pool, vehicle) == ["off_route"]
        assert (await approver.post(f"{where}/clearing", data={"note": "已核实，公务途中"})).status_code == 303
        sent = {"place": "330203", "driver": "王师傅", "until": (TODAY + timedelta(days=2)).isoformat()}
        assert (await own.post(f"{where}/dispatch", data=sent)).status_code == 303
        assert (await point.post(f"{where}/service", data=fuel | {"place": "330203", "km": "1400"})).status_code == 303
        assert await alerts_of(pool, vehicle) == []
        for amount in ("500", "1600"):
            repair = {"what": "repair", "amount": amount, "km": "1400"}
            assert (await point.post(f"{where}/service", data=repair)).status_code == 303
        assert (await point.post(f"{where}/service", data=fuel | {"litres": "60", "km": "1399"})).status_code == 303
        assert await alerts_of(pool, vehicle) == ["fuel_over_tank", "repair_high", "km_back"]
        page = (await approver.get(where)).text
        assert all(word in page for word in ("加油超油箱容量", "维修费异常", "王师傅", "已核实，公务途中", "里程倒退"))
        api = (await approver.get("/api/vehicles", params={"chosen": "km_back"})).json()
        (found,) = [one for one in api["vehicles"] if one["id"] == str(vehicle)]
        assert (found["km"], found["year_fen"]) == (1400, 400_00 * 4 + 2_100_00)
        assert "应急保障" in (await approver.get("/vehicles/export.csv?chosen=alerted")).text
        assert (await approver.get("/vehicles/statistics")).status_code == 200
    events = await pool.fetch("SELECT event FROM audit_event WHERE object = $1 ORDER BY id", f"vehicle:{vehicle}")
    assert {"vehicle.ask", "vehicle.approve", "vehicle.register", "vehicle.fuel"} <= {row["event"] for row in events}


async def test_a_vehicle_beyond_the_quota_or_the_standard_is_refused(app: WithState, pool: Pool) -> None:
    buyer, unit = await a_unit(pool)
    async with at(app, pool, buyer) as own:
        none = await own.post("/vehicles/new", data=WISH)
        assert (none.status_code, "核定 0 辆" in none.text) == (422, True)
        assert await quota(app, pool, unit, 1, "3302") == 409, "another city's office"
        assert await quota(app, pool, unit, -1) == 409
        assert await quota(app, pool, unit, 1) == 303
        assert "不得高于 180000 元" in (await own.post("/vehicles/new", data=WISH | {"price": "180000.01"})).text
        assert "不得高于 1800 毫升" in (await own.post("/vehicles/new", data=WISH | {"engine_ml": "1801"})).text
        assert (await own.post("/vehicles/new", data=WISH | {"kind": "secret"})).status_code == 422, "of another kind"
        assert (await own.post("/vehicles/new", data=WISH)).status_code == 303
        assert "已占用 1 辆" in (await own.post("/vehicles/new", data=WISH)).text
    assert await pool.fetchval("SELECT count(*) FROM vehicle WHERE org_id = $1", buyer.org_id) == 1


async def test_of_two_who_ask_at_once_for_the_last_place_one_is_refused(app: WithState, pool: Pool) -> None:
    buyer, unit = await a_unit(pool)
    assert await quota(app, pool, unit, 1) == 303
    wish = Wish(Kind.EMERGENCY, "某牌", 10_000_000, 1_500, False, 50_000)

    async def ask() -> bool:
        async with pool.acquire() as conn, conn.transaction():
            try:
                await operations.ask(conn, buyer, wish, Clock().now_ms(), TODAY)
            except Problem:
                return False
            return True

    assert sorted(await asyncio.gather(*(ask() for _ in range(4)))) == [False, False, False, True]


async def test_each_seat_does_its_own_part_and_strangers_see_nothing(app: WithState, pool: Pool) -> None:
    vehicle, buyer, finance = await an_active(app, pool)
    where, (stranger, _), far = f"/vehicles/{vehicle}", await a_unit(pool), await a_reviewer(pool, "3302")
    far_point = await a_point(app, pool, far, "fuel", region="330200")
    point = await a_point(app, pool, finance, "insurance")
    fuel = {"what": "fuel", "amount": "400", "litres": "50", "km": "10", "place": "330106"}
    insurance = {"what": "insurance", "amount": "3000", "until": NEXT_YEAR}
    for actor in (stranger, far, far_point):
        async with at(app, pool, actor) as browser:
            assert (await browser.get(where)).status_code == 404
            assert str(vehicle) not in (await browser.get("/vehicles")).text
            assert (await browser.post(f"{where}/service", data=fuel)).status_code in (403, 404)
            assert (await browser.post(f"{where}/dispatch", data={"driver": "x"})).status_code in (403, 404)
    async with at(app, pool, point) as firm, at(app, pool, buyer) as own, at(app, pool, finance) as approver:
        assert (await firm.post(f"{where}/service", data=fuel)).status_code == 403, "no fuel agreement"
        assert (await firm.post(f"{where}/service", data=insurance | {"day": "2099-01-01"})).status_code == 409
        assert (await firm.post(f"{where}/service", data=insurance)).status_code == 303
        agreement = await pool.fetchval("SELECT id FROM vehicle_point WHERE org_id = $1", point.org_id)
        await pool.execute("UPDATE vehicle_point SET during = daterange('2026-01-01', NULL) WHERE id = $1", agreement)
        assert (await approver.post(f"/vehicles/points/{agreement}/end", data={"sure": "1"})).status_code == 303
        assert (await firm.post(f"{where}/service", data=insurance)).status_code == 404, "no fixed point any more"
        assert (await own.post(f"{where}/clearing", data={"note": "x"})).status_code == 403
        other, name = await a_unit(pool)
        moved = {"unit": name, "note": "机构调整"}
        assert (await approver.post(f"{where}/transfer", data=moved)).status_code == 409, "no room"
        assert await quota(app, pool, name, 1) == 303
        assert (await approver.post(f"{where}/transfer", data=moved)).status_code == 303
        assert (await own.get(where)).status_code == 404, "no longer theirs"
    async with at(app, pool, other) as new:
        assert name in (await new.get(where)).text
    assert await quota(app, pool, name, 0) == 303
    assert await alerts_of(pool, vehicle) == ["no_quota"]


async def test_who_set_the_quota_does_not_approve_the_purchase(app: WithState, pool: Pool) -> None:
    buyer, unit = await a_unit(pool)
    office, finance = await a_reviewer(pool), await a_reviewer(pool)
    form = {"unit": unit, "kind": "emergency", "number": "1", "document": "杭机编〔2026〕1号"}
    async with at(app, pool, office) as one, at(app, pool, finance) as two, at(app, pool, buyer) as own:
        assert (await one.post("/vehicles/quotas", data=form)).status_code == 303
        where = (await own.post("/vehicles/new", data=WISH)).headers["location"]
        answer = await one.post(f"{where}/decision", data={"decision": "approve"})
        assert (answer.status_code, "由您核定" in answer.text) == (409, True)
        assert (await two.post(f"{where}/decision", data={"decision": "approve"})).status_code == 303


async def test_a_fixed_point_finds_a_vehicle_by_its_plate_and_sees_its_part(app: WithState, pool: Pool) -> None:
    vehicle, buyer, finance = await an_active(app, pool)
    plate, where = await pool.fetchval("SELECT plate FROM vehicle WHERE id = $1", vehicle), f"/vehicles/{vehicle}"
    point, other = await a_point(app, pool, finance, "fuel"), await a_point(app, pool, finance, "fuel")
    fuel = {"what": "fuel", "amount": "400", "litres": "60", "km": "1200", "place": "330106"}
    async with at(app, pool, buyer) as own:
        assert (await own.post(f"{where}/dispatch", data={"place": "330203", "driver": "王师傅"})).status_code == 303
    async with at(app, pool, point) as firm, at(app, pool, other) as rival:
        for words, seen in (("", False), (plate[:5], False), (plate.lower(), True)):
            assert (str(vehicle) in (await firm.get("/vehicles", params={"words": words})).text) is seen, words
        assert (await firm.post(f"{where}/service", data=fuel)).status_code == 303
        assert str(vehicle) in (await firm.get("/vehicles")).text, "served"
        assert str(vehicle) not in (await rival.get("/vehicles")).text
        page, other_page = (await firm.get(where)).text, (await rival.get(where)).text
        seen = [words in page for words in ("王师傅", "60.0 L", "175,000", "加油超油箱容量")]
        assert seen == [False, True, False, False]
        assert "60.0 L" not in other_page
        told = (await firm.get(f"/api{where}")).json()
        assert ([one["what"] for one in told["entries"]], told["price_fen"], told["alerts"]) == (["fuel"], 0, [])
        (listed,) = (await firm.get("/api/vehicles", params={"words": plate})).json()["vehicles"]
        assert (listed["price_fen"], listed["alerts"], listed["year_fen"]) == (0, [], 40_000)
    async with at(app, pool, finance) as approver:
        told = (await approver.get(f"/api{where}")).json()
        assert [one["what"] for one in told["entries"]] == ["ask", "approve", "register", "dispatch", "fuel"]
        assert (told["alerts"], told["year_fen"]) == (["fuel_over_tank"], 40_000)
    far = await a_reviewer(pool, "3302")
    async with at(app, pool, far) as stranger:
        assert (await stranger.get(f"/api{where}")).status_code == 404


async def test_the_statistics_count_all_units_and_show_them_page_by_page(app: WithState, pool: Pool) -> None:
    finance = await a_reviewer(pool, "3311")
    mark = uuid4().hex[:6]
    for n in range(21):
        org_id = await an_organisation(pool, "buyer", "331102", f"丽水{mark}局 {n:02}")
        given = (org_id, f"浙K{mark[:4].upper()}{n:02}")
        made = await pool.fetchval(
            "INSERT INTO vehicle (org_id, region, kind, stage, model, plate, price_fen, engine_ml, new_energy) "
            "VALUES ($1, '331102', 'special', 'active', '某牌', $2, 1, 0, true) RETURNING id", *given
        )  # fmt: skip
        await pool.execute(
            "INSERT INTO vehicle_entry (vehicle_id, org_id, what, day, amount_fen, made_at) "
            "VALUES ($1, $2, 'fuel', $3, 100000, now())", made, org_id, TODAY
        )  # fmt: skip
    async with at(app, pool, finance) as browser:
        first = (await browser.get("/vehicles/statistics", params={"words": mark})).text
        second = (await browser.get("/vehicles/statistics", params={"words": mark, "at": "2"})).text
    assert (first.count(f"丽水{mark}局"), second.count(f"丽水{mark}局")) == (20, 1)
    assert first.count("2.10 万元") == second.count("2.10 万元") == 1, "of all 21 units, on each page"


async def test_the_same_entry_is_asked_for_twice_and_a_wrong_one_is_corrected(app: WithState, pool: Pool) -> None:
    vehicle, _, finance = await an_active(app, pool)
    firm, rival = await a_point(app, pool, finance, "fuel"), await a_point(app, pool, finance, "fuel")
    where = f"/vehicles/{vehicle}"
    fuel = {"what": "fuel", "amount": "400", "litres": "50", "km": "1200", "place": "330106"}
    async with at(app, pool, firm) as point, at(app, pool, rival) as other, at(app, pool, finance) as approver:
        sent = await asyncio.gather(*(point.post(f"{where}/service", data=fuel) for _ in range(3)))
        assert sorted(one.status_code for one in sent) == [303, 409, 409], "a double click books once"
        assert (await point.post(f"{where}/service", data=fuel | {"again": "1"})).status_code == 303
        for missing in ("km", "place"):
            assert (await point.post(f"{where}/service", data=fuel | {missing: ""})).status_code == 409, missing
        assert (await point.post(f"{where}/service", data=fuel | {"place": "zz"})).status_code == 409
        far = fuel | {"km": "9999999"}
        page = await point.post(f"{where}/service", data=far)
        assert (page.status_code, 'value="9999999"' in page.text, "10 万公里" in page.text) == (409, True, True)
        assert (await point.post(f"{where}/service", data=far | {"again": "1"})).status_code == 303
        assert (await approver.get(f"/api{where}")).json()["km"] == 9_999_999
        wrong = "SELECT id FROM vehicle_entry WHERE vehicle_id = $1 AND content->>'km' = '9999999'"
        entry = str(await pool.fetchval(wrong, vehicle))
        sound = {"entry": entry, "note": "读数误录"}
        assert (await other.post(f"{where}/correction", data=sound)).status_code == 404, "another's"
        assert (await point.post(f"{where}/correction", data=sound | {"note": ""})).status_code == 409
        assert (await point.post(f"{where}/correction", data=sound)).status_code == 303
        assert (await point.post(f"{where}/correction", data=sound)).status_code == 409, "once"
        told = (await approver.get(f"/api{where}")).json()
        assert (told["km"], told["year_fen"], told["alerts"]) == (1_200, 80_000, [])
        assert (await point.post(f"{where}/service", data=fuel | {"km": "1300"})).status_code == 303
        assert await alerts_of(pool, vehicle) == []
        assert "读数误录" in (await approver.get(where)).text


async def test_what_is_asked_for_twice_or_withdrawn(app: WithState, pool: Pool) -> None:
    buyer, unit = await a_unit(pool)
    finance = await a_reviewer(pool)
    assert await quota(app, pool, unit, 2) == 303
    async with at(app, pool, buyer) as own, at(app, pool, finance) as approver:
        sent = await asyncio.gather(*(own.post("/vehicles/new", data=WISH) for _ in range(3)))
        assert sorted(one.status_code for one in sent) == [303, 422, 422]
        where = next(one.headers["location"] for one in sent if one.status_code == 303)
        assert (await own.post("/vehicles/new", data=WISH | {"again": "1"})).status_code == 303
        assert (await approver.post(f"{where}/decision", data={"decision": "aprove", "note": "?"})).status_code == 409
        assert (await approver.post(f"{where}/withdrawal", data={"sure": "1"})).status_code in (403, 404)
        assert (await own.post(f"{where}/withdrawal", data={"sure": "1"})).status_code == 303
        assert (await approver.post(f"{where}/decision", data={"decision": "approve"})).status_code == 409
        assert (await own.post("/vehicles/new", data=WISH | {"again": "1"})).status_code == 303, "its place is free"
        name = f"杭州某国企 {uuid4().hex[:8]}"
        await an_organisation(pool, "supplier", "330106", name)
        point = {"firm": name, "service": "fuel", "region": "330100", "contract": "DD-1"}
        assert (await approver.post("/vehicles/points", data=point)).status_code == 303
        refused = await approver.post("/vehicles/points", data=point)
        assert (refused.status_code, "重叠" in refused.text, name in refused.text) == (409, True, True)


async def test_a_transfer_stays_in_the_places_of_finance_and_asks_two_people(app: WithState, pool: Pool) -> None:
    vehicle, _, finance = await an_active(app, pool)
    where = f"/vehicles/{vehicle}/transfer"
    far = f"宁波某局 {uuid4().hex[:8]}"
    await an_organisation(pool, "buyer", "330203", far)
    assert await quota(app, pool, far, 1, "3302") == 303
    _, near = await a_unit(pool)
    form = {"unit": near, "kind": "emergency", "number": "1", "document": "杭机编〔2026〕2号"}
    async with at(app, pool, finance) as approver:
        assert (await approver.post(where, data={"unit": far, "note": "调剂"})).status_code == 409
        assert (await approver.post("/vehicles/quotas", data=form)).status_code == 303
        refused = await approver.post(where, data={"unit": near, "note": "调剂"})
        assert (refused.status_code, "由您核定" in refused.text) == (409, True)
        assert await quota(app, pool, near, 1) == 303, "somebody else sets it"
        assert (await approver.post(where, data={"unit": near, "note": "调剂"})).status_code == 303


async def test_a_vehicle_is_sent_once_at_a_time_and_what_it_cost_outlives_it(app: WithState, pool: Pool) -> None:
    vehicle, buyer, finance = await an_active(app, pool)
    firm, where = await a_point(app, pool, finance, "fuel"), f"/vehicles/{vehicle}"
    trip = {"place": "330203", "driver": "王师傅", "until": (TODAY + timedelta(days=2)).isoformat()}
    async with at(app, pool, buyer) as own, at(app, pool, firm) as point, at(app, pool, finance) as approver:
        assert (await own.post(f"{where}/dispatch", data=trip)).status_code == 303
        assert (await own.post(f"{where}/dispatch", data=trip | {"driver": "李师傅"})).status_code == 409
        far = {"day": (TODAY + timedelta(days=5)).isoformat(), "until": (TODAY + timedelta(days=36)).isoformat()}
        assert (await own.post(f"{where}/dispatch", data=trip | far)).status_code == 409, "longer than thirty days"
        fuel = {"what": "fuel", "amount": "40000", "litres": "50", "km": "1200", "place": "330203"}
        assert (await point.post(f"{where}/service", data=fuel)).status_code == 303
        both = {"unit": "某局", "dispose": "1", "note": "报废"}
        assert (await approver.post(f"{where}/transfer", data=both)).status_code == 409
        assert (await approver.post(f"{where}/transfer", data={"dispose": "1", "note": "报废"})).status_code == 303
        name = await pool.fetchval("SELECT name FROM organisation WHERE id = $1", buyer.org_id)
        page = (await approver.get("/vehicles/statistics", params={"words": name})).text
        assert page.count("4.00 万元") == 1, "the fuel of a vehicle that is gone"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("浙A12345", "浙A12345"), ("浙a·12345", "浙A12345"), ("浙AD12345", "浙AD12345"), ("浙A-1234警", "浙A1234警"),
        ("浙A1", None), ("?? 1", None), ("浙I12345", None), ("浙A1234O", None), ("A123456", None), ("浙A1234567", None),
    ],
)  # fmt: skip
def test_a_plate_is_kept_in_one_spelling(typed: str, kept: str | None) -> None:
    assert rules.plate_of(typed) == kept


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("lsvaa4187e2123456", "LSVAA4187E2123456"),
        ("1", None),
        ("LSVAA4187E212345O", None),
        ("LSVAA4187E21234567", None),
    ],
)
def test_a_vehicles_number_has_seventeen_signs(typed: str, kept: str | None) -> None:
    assert rules.vin_of(typed) == kept


def an_entry(what: str, day: int = 0, **changed: Any) -> Entry:
    return Entry(what=What(what), day=date(2026, 6, 1) + timedelta(days=day), **changed)


CAR = Vehicle(
    id=UUID(int=1), org_id=UUID(int=2), region="330106", kind=Kind.EMERGENCY, stage=Stage.ACTIVE, model="某牌",
    plate="浙A1", price_fen=17_000_000, engine_ml=1_800, new_energy=False, tank_ml=55_000, km=0,
)  # fmt: skip


@pytest.mark.parametrize(
    ("entries", "raised"),
    [
        ([an_entry("register", amount_fen=18_000_000)], []),
        ([an_entry("register", amount_fen=18_000_001)], ["over_price"]),
        ([an_entry("fuel", ml=55_000)], []), ([an_entry("fuel", ml=55_001)], ["fuel_over_tank"]),
        ([an_entry("fuel", place="330109")], []), ([an_entry("fuel", place="330203")], ["off_route"]),
        ([an_entry("dispatch", place="330203", until=date(2026, 6, 3)), an_entry("fuel", 2, place="330281")], []),
        ([an_entry("dispatch", place="330203"), an_entry("fuel", 1, place="330203")], ["off_route"]),
        ([an_entry("repair", amount_fen=100), an_entry("repair", 1, amount_fen=300)], []),
        ([an_entry("repair", amount_fen=100), an_entry("repair", 1, amount_fen=301)], ["repair_high"]),
        ([an_entry("repair", amount_fen=100), an_entry("repair", 365, amount_fen=301)], []),
        ([an_entry("repair", amount_fen=90_000)], []),
        ([an_entry("fuel", km=10), an_entry("fuel", km=9)], ["km_back"]),
        ([an_entry("fuel", 1, km=10), an_entry("fuel", km=9)], []),
        ([an_entry("fuel", ml=60_000), an_entry("clear")], []),
    ],
)  # fmt: skip
def test_what_raises_an_alert_and_what_just_does_not(entries: list[Entry], raised: list[str]) -> None:
    assert [str(one) for one in rules.alerts(CAR, entries, PLAIN, 3)] == raised


@pytest.mark.parametrize(
    ("price", "engine", "energy", "held", "refused"),
    [
        (18_000_000, 1_800, False, 0, None), (18_000_001, 1_800, False, 0, "over_price"),
        (18_000_000, 1_801, False, 0, "over_engine"), (18_000_000, 9_000, True, 0, None),
        (99_000_000, 9_000, False, 1, "beyond_quota"),
    ],
)  # fmt: skip
def test_a_wish_is_judged_at_its_limits(price: int, engine: int, energy: bool, held: int, refused: str | None) -> None:
    wish = Wish(Kind.EMERGENCY, "某牌", price, engine, energy, 50_000)
    assert rules.judge_wish(wish, PLAIN, quota=1, held=held) == refused


def test_a_record_that_ended_takes_nothing_more() -> None:
    ended = {Stage.REFUSED, Stage.WITHDRAWN, Stage.DISPOSED}
    assert not [pair for pair in STAGES if pair[0] in ended]
    assert set(STAGES.values()) == set(Stage) - {Stage.ASKED}
