"""Named queries: a room keeps its SQL in ``records.sql`` and calls it by name.

::

    -- name: person_by_login
    -- What it is for, in a line.
    SELECT ... WHERE lower(login) = lower($1);

    SQL = sql.load(Path(__file__).with_name("records.sql"))
    row = await conn.fetchrow(SQL["person_by_login"], login)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

_NAME = re.compile(r"^--\s*name:\s*([a-z][a-z0-9_]*)\s*$", re.MULTILINE)


class Queries(Mapping[str, str]):
    """The queries of one file, by name. A name that is not there raises ``KeyError`` and says which file."""

    def __init__(self, path: Path, queries: dict[str, str]) -> None:
        self.path = path
        self._queries = queries

    def __getitem__(self, name: str) -> str:
        try:
            return self._queries[name]
        except KeyError:
            raise KeyError(f"{self.path.parent.name}/{self.path.name} has no query named {name!r}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._queries)

    def __len__(self) -> int:
        return len(self._queries)


def parse(text: str, path: Path) -> Queries:
    """Cut ``text`` at its ``-- name:`` lines. Refuses a name used twice and SQL before the first name."""
    pieces = _NAME.split(text)
    if any(line.strip() and not line.lstrip().startswith("--") for line in pieces[0].splitlines()):
        raise ValueError(f"{path}: SQL before the first '-- name:' line")
    queries: dict[str, str] = {}
    for name, body in zip(pieces[1::2], pieces[2::2], strict=True):
        if name in queries:
            raise ValueError(f"{path}: query {name!r} is there twice")
        queries[name] = body.strip().rstrip(";").rstrip()
    return Queries(path, queries)


def load(path: Path) -> Queries:
    """Read the queries of one file. See the module's head for the format."""
    return parse(path.read_text(encoding="utf-8"), path)
