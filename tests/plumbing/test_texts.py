"""The catalogue is whole in both languages, and pages and doors use only what is in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from plumbing import texts
from plumbing.problems import STATUS_CODES
from plumbing.templates import wan, when
from plumbing.texts import BadCatalogue
from server import site
from tests.support import ROOT

SOURCES = [path for room in ("accounts", "auction", "ledger", "plumbing", "registries", "server", "standards")
           for path in (ROOT / room).rglob("*") if path.suffix in (".py", ".html", ".js")
           and "vendor" not in path.parts]  # fmt: skip
_T = re.compile(r"""\b(?:t|say)\(\s*["']([a-z0-9_.]+)["']\s*[,)]""")
_PROBLEM = re.compile(r"""\bProblem\(\s*\d+,\s*"([a-z0-9_]+)\"""")


def a_catalogue(tmp_path: Path, content: str, name: str = "texts.toml") -> Path:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    return path


def test_every_sentence_of_the_product_is_there_in_both_languages() -> None:
    catalogue = site.load_texts()
    assert len(catalogue.keys()) > 50
    for key in catalogue.keys():  # noqa: SIM118
        assert catalogue.say(key, "zh").strip()
        assert catalogue.say(key, "en").strip()
        assert not re.search(r"[\u4e00-\u9fff]", catalogue.say(key, "en")) or key == "site.switch_language", key


def test_every_sentence_a_page_or_a_door_asks_for_is_there() -> None:
    catalogue = site.load_texts()
    wanted = {f"problem.{code}" for code in STATUS_CODES.values()}
    for path in SOURCES:
        content = path.read_text(encoding="utf-8")
        if path.suffix == ".html":
            wanted |= set(_T.findall(content))
        wanted |= {f"problem.{code}" for code in _PROBLEM.findall(content)} if "problems.py" not in path.name else set()
    assert sorted(key for key in wanted if key not in catalogue and not key.endswith(".")) == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ('[a]\nb = { zh = "一" }', "must have zh and en"),
        ('[a]\nb = { zh = "一", en = " " }', "must have zh and en"),
        ('[a]\nb = { zh = "{n} 个", en = "some" }', "different parameters"),
        ('[a]\nb = "一"', "neither a section"),
    ],
)
def test_a_catalogue_that_is_not_whole_is_refused(tmp_path: Path, content: str, why: str) -> None:
    with pytest.raises(BadCatalogue, match=why):
        texts.load([a_catalogue(tmp_path, content)])


def test_one_name_in_two_rooms_is_refused(tmp_path: Path) -> None:
    one = a_catalogue(tmp_path, '[a]\nb = { zh = "一", en = "one" }', "one.toml")
    two = a_catalogue(tmp_path, '[a]\nb = { zh = "二", en = "two" }', "two.toml")
    with pytest.raises(BadCatalogue, match=r"a\.b is already"):
        texts.load([one, two])


def test_amounts_and_times_are_written_for_people(tmp_path: Path) -> None:
    path = a_catalogue(tmp_path, '[a]\nb = { zh = "不高于 {max_fen}，{closes_at} 止", en = "{max_fen} {closes_at}" }')
    said = texts.load([path]).say("a.b", "zh", max_fen=42_860_000, closes_at=1_795_420_800_000)
    assert said == "不高于 ¥428,600.00，2026-11-23 16:00:00 止"


@pytest.mark.parametrize(
    ("fen", "written"), [(0, "¥0.00"), (5, "¥0.05"), (123_456_700, "¥1,234,567.00"), (-150, "-¥1.50")]
)
def test_money_is_written_with_its_fen(fen: int, written: str) -> None:
    assert texts.money(fen) == written


def test_times_are_shown_in_shanghai() -> None:
    assert when(1_795_420_800_123, "second") == "2026-11-23 16:00:00"
    assert when(1_795_420_800_123, "ms") == "16:00:00.123"
    assert when(None) == "—"


def test_ten_thousands_are_rounded_half_up() -> None:
    assert wan(42_860_000) == "42.86 万元"
    assert wan(5_000) == "0.01 万元"
    assert wan(4_999) == "0.00 万元"


def test_a_sentence_cannot_break_out_of_the_script_that_carries_it(tmp_path: Path) -> None:
    path = a_catalogue(tmp_path, '[a]\nb = { zh = "</script><b>&", en = "x" }')
    from plumbing.templates import Templates

    html = str(Templates([], texts.load([path]), tmp_path, {}).texts_for("zh", "a"))
    assert html.count("</script>") == 1
    assert "\\u003c/script" in html
