"""Parameters are dated and local; a case pins one set of them."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import site
from standards.parameters import Force
from standards.params import BY_KEY, PARAMETERS, Kind, ParamError, RuleParam, RuleSet, fault_of, resolve
from tests.support import ROOT

ON = date(2026, 11, 22)
KEY = "auction.duration_minutes"


def a_param(value: object = 45, **changes: object) -> RuleParam:
    fields = {"key": KEY, "region": "33", "valid_from": date(2026, 1, 1), "valid_to": None, "source": "浙财〔2026〕1号"}
    return RuleParam(**(fields | {"value": value} | changes))  # type: ignore[arg-type]


def duration(*params: RuleParam, region: str = "330106", on: date = ON) -> int:
    return resolve(params, region, on).number(KEY)


def test_without_any_row_the_defaults_hold() -> None:
    assert resolve([], "330106", ON).values == {parameter.key: parameter.default for parameter in PARAMETERS}


def test_the_nearest_place_wins_whatever_the_order() -> None:
    province, city, other = a_param(45), a_param(60, region="3301"), a_param(90, region="3302")
    for params in ([province, city, other], [other, city, province]):
        assert duration(*params) == 60
    assert duration(province, city, other, region="330400") == 45
    assert duration(province, region="320100") == 30
    assert duration(a_param(99, region="")) == 99


def test_a_value_holds_from_its_first_day_until_before_its_last() -> None:
    param = a_param(45, valid_from=date(2026, 3, 1), valid_to=date(2026, 9, 1))
    days = [date(2026, 2, 28), date(2026, 3, 1), date(2026, 8, 31), date(2026, 9, 1)]
    assert [duration(param, on=day) for day in days] == [30, 45, 45, 30]


def test_a_key_nobody_knows_changes_no_case() -> None:
    assert resolve([a_param(key="auction.floor_fen")], "330106", ON).hash == resolve([], "330106", ON).hash


def test_the_same_values_have_the_same_hash_and_one_more_minute_another() -> None:
    same = resolve([], "330100", date(2020, 1, 1))
    assert resolve([], "330106", ON).hash == same.hash
    assert resolve([a_param(31)], "330106", ON).hash != same.hash
    copy = msgspec.json.decode(msgspec.json.encode(same), type=RuleSet)
    assert copy.hash == same.hash


def test_a_value_is_read_by_its_kind() -> None:
    rules = resolve([], "330106", ON)
    assert rules.ms("award.supplier_confirm_hours") == 72 * 3_600_000
    assert rules.ms("auction.overtime_window_seconds") == 180_000
    assert rules.flag("award.silence_confirms")
    assert rules.choice("auction.visibility") == "rank_only"
    for read, key in ((rules.number, "award.silence_confirms"), (rules.flag, KEY), (rules.choice, KEY)):
        with pytest.raises(TypeError):
            read(key)
    with pytest.raises(TypeError):
        rules.ms("lowprice.mean_bp")


@pytest.mark.parametrize(
    ("param", "fault"),
    [
        (a_param(), None),
        (a_param(10), None),
        (a_param(240), None),
        (a_param(9), ParamError.BOUNDS),
        (a_param(241), ParamError.BOUNDS),
        (a_param(True), ParamError.TYPE),
        (a_param("30"), ParamError.TYPE),
        (a_param(key="auction.floor_fen"), ParamError.UNKNOWN),
        (a_param(region="330"), ParamError.REGION),
        (a_param(valid_to=date(2026, 1, 1)), ParamError.PERIOD),
        (a_param(source="  "), ParamError.SOURCE),
        (a_param("anything", key="auction.visibility"), ParamError.BOUNDS),
        (a_param("colour", key="auction.visibility"), None),
        (a_param(4_999, key="lowprice.mean_bp"), ParamError.BOUNDS),
        (a_param(6_500, key="lowprice.mean_bp"), None),
        (a_param(6_501, key="lowprice.ceiling_bp"), ParamError.BOUNDS),
        (a_param(2, key="suppliers.statutory_min"), ParamError.FIXED),
        (a_param(2, key="notice.statutory_workdays"), ParamError.BOUNDS),
        (a_param(31, key="auction.suspension_days_max"), ParamError.BOUNDS),
    ],
)
def test_a_value_out_of_the_law_is_not_taken(param: RuleParam, fault: ParamError | None) -> None:
    assert fault_of(param) is fault


def test_every_default_is_within_its_own_bounds_named_and_sourced() -> None:
    catalogue = site.load_texts()
    assert len(BY_KEY) == len(PARAMETERS)
    for parameter in PARAMETERS:
        assert parameter.takes(parameter.default), parameter.key
        assert parameter.source
        assert f"param.{parameter.key}" in catalogue
        assert parameter.kind is not Kind.CHOICE or parameter.words
    for error in ParamError:
        assert f"problem.param_{error}" in catalogue


def test_there_is_no_parameter_for_a_floor_price() -> None:
    assert not [parameter.key for parameter in PARAMETERS if "floor" in parameter.key]
    assert BY_KEY["lowprice.mean_bp"].force is Force.HARD


@given(st.lists(st.tuples(st.sampled_from(["", "33", "3301", "330106", "32"]), st.integers(10, 240)), max_size=5))
def test_what_is_in_force_was_set_in_the_place_or_above_it(rows: list[tuple[str, int]]) -> None:
    found = duration(*(a_param(value, region=region) for region, value in rows))
    assert found in {30} | {value for region, value in rows if "330106".startswith(region)}


def test_the_document_lists_every_parameter_with_its_default() -> None:
    document = (ROOT / "docs" / "parameters.md").read_text(encoding="utf-8")
    rows = {line.split("`")[1]: line for line in document.splitlines() if line.startswith("| `")}
    assert list(rows) == [parameter.key for parameter in PARAMETERS]
    for parameter in PARAMETERS:
        default = parameter.default
        told = ("yes" if default else "no") if isinstance(default, bool) else default
        written = f"{told:,}" if isinstance(told, int) else told
        assert f"| {written} |" in rows[parameter.key]
        assert parameter.source in rows[parameter.key]
