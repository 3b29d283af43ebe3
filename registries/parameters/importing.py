"""品目、行政区划导入: a file of codes and names judged line by line before anything is written. Pure: no I/O.

A CSV with a header; the columns ``code`` and ``name`` are read, others left alone. UTF-8, or GB 18030 as Chinese
spreadsheets save it. Every line is judged; with one fault nothing of the file is taken.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from enum import StrEnum

from msgspec import Struct

from standards import categories, regions

LINES_MAX = 20_000
NAME_MAX = 200
FAULTS_TOLD = 200
COLUMNS = ("code", "name")


class Book(Struct, frozen=True):
    """What a file is of: the form of its codes, and the code above one ("" at the top)."""

    is_code: Callable[[str], bool]
    parent: Callable[[str], str]


CATEGORIES = Book(categories.is_code, categories.parent)
REGIONS = Book(regions.is_code, regions.parent)


class LineFault(StrEnum):
    """What is wrong with a line. Sentences: ``import.<value>``."""

    CODE = "code"
    NAME = "name"
    TWICE = "twice"
    PARENT = "parent"
    WIDTH = "width"


class FileFault(StrEnum):
    """Why a file cannot be read at all. Sentences: ``problem.import_<value>``."""

    ENCODING = "encoding"
    HEADER = "header"
    EMPTY = "empty"
    LONG = "long"
    QUOTES = "quotes"


class Faulty(Struct, frozen=True):
    """A line that is not right: its number in the file (the header is 1), what was read there, and why."""

    line: int
    code: str
    name: str
    fault: LineFault


class Report(Struct, frozen=True):
    """What a file would change: lines read, codes that are new, get another name, stay; and every faulty line.

    ``renamed``: code, old name, new name. ``faulty`` is cut at ``FAULTS_TOLD``; ``faults`` counts all.
    """

    lines: int
    new: int
    same: int
    renamed: list[tuple[str, str, str]]
    faults: int
    faulty: list[Faulty]
    committed: bool = False


def text_of(raw: bytes) -> str | FileFault:
    """The text of a file: UTF-8, with or without its mark, else GB 18030."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return FileFault.ENCODING


def judge(raw: bytes, known: Mapping[str, str], book: Book = CATEGORIES) -> tuple[dict[str, str], Report] | FileFault:
    """Codes and names of a file and what they would change of ``known`` (code to name); or why it cannot be read."""
    text = text_of(raw)
    if isinstance(text, FileFault):
        return text
    try:
        rows = list(csv.reader(text.splitlines(), strict=True))
    except csv.Error:
        return FileFault.QUOTES
    if not rows:
        return FileFault.EMPTY
    header = [cell.strip().lower() for cell in rows[0]]
    if any(header.count(column) != 1 for column in COLUMNS):
        return FileFault.HEADER
    if len(rows) - 1 > LINES_MAX:
        return FileFault.LONG
    at_code, at_name = header.index("code"), header.index("name")
    read, faulty = _lines(rows[1:], at_code, at_name, book)
    if not read and not faulty:
        return FileFault.EMPTY
    faulty += [
        Faulty(line, code, name, LineFault.PARENT)
        for code, (name, line) in read.items()
        if (above := book.parent(code)) and above not in read and above not in known
    ]
    faulty.sort(key=lambda each: each.line)
    found = {code: name for code, (name, _) in read.items()}
    renamed = [(code, known[code], name) for code, name in found.items() if known.get(code, name) != name]
    new = len(found.keys() - known.keys())
    report = Report(
        len(rows) - 1, new, len(found) - new - len(renamed), renamed[:FAULTS_TOLD], len(faulty), faulty[:FAULTS_TOLD]
    )
    return found, report


def _lines(
    rows: list[list[str]], at_code: int, at_name: int, book: Book
) -> tuple[dict[str, tuple[str, int]], list[Faulty]]:
    read: dict[str, tuple[str, int]] = {}
    faulty: list[Faulty] = []
    for line, row in enumerate(rows, 2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) <= max(at_code, at_name):
            faulty.append(Faulty(line, ",".join(row)[:NAME_MAX], "", LineFault.WIDTH))
            continue
        code, name = row[at_code].strip(), row[at_name].strip()
        fault = None
        if not book.is_code(code):
            fault = LineFault.CODE
        elif not 1 <= len(name) <= NAME_MAX or not name.isprintable():
            fault = LineFault.NAME
        elif code in read and read[code][0] != name:
            fault = LineFault.TWICE
        if fault:
            faulty.append(Faulty(line, code[:NAME_MAX], name[:NAME_MAX], fault))
        else:
            read.setdefault(code, (name, line))
    return read, faulty
