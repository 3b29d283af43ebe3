"""A file of categories is judged line by line, and taken whole or not at all."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registries.parameters.importing import LINES_MAX, FileFault, LineFault, Report, judge
from standards.categories import SEED
from tests.support import SHARED

KNOWN = {one.code: one.name for one in SEED}
GOOD = "code,name\nA03000000,文物和陈列品\nA03010000,不可移动文物\n"


def report(text: str) -> Report:
    judged = judge(text.encode(), KNOWN)
    assert isinstance(judged, tuple), judged
    return judged[1]


def test_new_renamed_and_same_are_told_apart() -> None:
    told = report(GOOD + "A,货物\nA02000000,各类设备\n")
    assert (told.lines, told.new, told.same, told.faults) == (4, 2, 1, 0)
    assert told.renamed == [("A02000000", "设备", "各类设备")]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("a03020000,小写", LineFault.CODE),
        ("A0302,短码", LineFault.CODE),
        ("A03０20000,全角", LineFault.CODE),
        ("A03020000,", LineFault.NAME),
        ("A03020000,名\u202e称", LineFault.NAME),
        ("A03010000,另一个名称", LineFault.TWICE),
        ("A09010100,没有上级", LineFault.PARENT),
        ("A03020000", LineFault.WIDTH),
    ],
)
def test_a_faulty_line_is_named_with_its_number(line: str, fault: LineFault) -> None:
    told = report(GOOD + "\n" + line + "\n")
    assert [(one.line, one.fault) for one in told.faulty] == [(5, fault)]


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (b"", FileFault.EMPTY),
        (b"code,name\n", FileFault.EMPTY),
        ("编码,名称\nA,货物\n".encode(), FileFault.HEADER),
        (b"code,code,name\nA,A,x\n", FileFault.HEADER),
        (b'code,name\n"A,x\n', FileFault.QUOTES),
        (b"\xff\xfe\x00", FileFault.ENCODING),
        (b"code,name\n" + b"A,x\n" * (LINES_MAX + 1), FileFault.LONG),
    ],
)
def test_a_file_that_cannot_be_read_says_why(raw: bytes, fault: FileFault) -> None:
    assert judge(raw, KNOWN) == fault


def test_a_file_of_a_chinese_spreadsheet_is_read() -> None:
    assert judge(GOOD.encode("gb18030"), KNOWN) == judge(GOOD.encode("utf-8-sig"), KNOWN)


@given(st.binary(max_size=400))
def test_no_bytes_whatever_break_it(raw: bytes) -> None:
    judged = judge(b"code,name\n" + raw, KNOWN)
    assert isinstance(judged, tuple | FileFault)


@pytest.mark.skipif(not SHARED.exists(), reason="the catalogue is not beside this checkout")
def test_the_whole_official_catalogue_is_taken_and_the_old_one_refused() -> None:
    folder = SHARED / "data" / "catalogue"
    judged = judge((folder / "procurement_catalogue_2022.csv").read_bytes(), KNOWN)
    assert isinstance(judged, tuple)
    found, told = judged
    rows = list(csv.DictReader(io.StringIO((folder / "procurement_catalogue_2022.csv").read_text(encoding="utf-8"))))
    assert list(found.items()) == [(row["code"], row["name"]) for row in rows]
    assert (len(found), told.faults, told.renamed) == (4304, 0, [])
    old = judge((folder / "mall_subset_2013_codes.csv").read_bytes(), KNOWN)
    assert isinstance(old, tuple)
    assert {one.fault for one in old[1].faulty} == {LineFault.CODE, LineFault.PARENT}
