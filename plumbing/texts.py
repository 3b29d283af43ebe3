"""文案: one catalogue of sentences for Python, templates and page modules, Chinese first, English complete.

Each room has a ``texts.toml``: ``[section]`` then ``key = { zh = "...", en = "..." }``. Its name is ``section.key``.
Parameters are named, ``{like_this}``, and must be the same in both languages. By its ending a parameter is written
for people: ``*_fen`` as money, ``*_at`` and ``*_ms`` (epoch milliseconds) as a date and time of Shanghai.
"""

from __future__ import annotations

import string
import tomllib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Literal, TypeAlias

Lang: TypeAlias = Literal["zh", "en"]
LANGS: tuple[Lang, Lang] = ("zh", "en")
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")  # no summer time since 1991: needs no zone database


class BadCatalogue(ValueError):
    """The catalogue is not whole: a language is missing, a name is there twice, or parameters differ."""


def money(fen: int) -> str:
    """Write an amount of fen as people read it: ``¥1,234,567.00``."""
    sign, fen = ("-", -fen) if fen < 0 else ("", fen)
    return f"{sign}¥{fen // 100:,}.{fen % 100:02d}"


def local(moment: datetime | int) -> datetime:
    """Give the Shanghai time of a moment: epoch milliseconds, or a datetime with a zone."""
    if isinstance(moment, int):
        moment = datetime.fromtimestamp(moment / 1000, UTC)
    return moment.astimezone(SHANGHAI)


def _for_people(name: str, value: Any) -> Any:
    if value is None or isinstance(value, str | bool):
        return value
    if name.endswith("_fen"):
        return money(value)
    if name.endswith(("_at", "_at_ms")):
        return local(value).strftime("%Y-%m-%d %H:%M:%S")
    return value


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


class Texts:
    """The catalogue. A name that is not there raises ``KeyError``: a bug, found by the tests."""

    def __init__(self, entries: Mapping[str, Mapping[str, str]]) -> None:
        self._entries = dict(entries)

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def keys(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._entries)

    def say(self, key: str, lang: str = "zh", /, **params: Any) -> str:
        """The sentence ``key`` in ``lang`` with its parameters filled in. Unknown languages read Chinese."""
        text = self._entries[key]["en" if lang == "en" else "zh"]
        return text.format(**{name: _for_people(name, value) for name, value in params.items()}) if params else text

    def section(self, prefix: str, lang: str = "zh") -> dict[str, str]:
        """Every sentence whose name begins with ``prefix.``, unfilled: what a page module is handed."""
        return {key: self.say(key, lang) for key in self._entries if key.startswith(prefix + ".")}


def _flatten(tree: Mapping[str, Any], prefix: str, path: Path) -> Iterable[tuple[str, dict[str, str]]]:
    for key, value in tree.items():
        name = f"{prefix}.{key}" if prefix else key
        if not isinstance(value, dict):
            raise BadCatalogue(f"{path}: {name} is neither a section nor {{ zh, en }}")
        if set(value) & set(LANGS) and all(isinstance(text, str) for text in value.values()):
            if set(value) != set(LANGS) or not all(text.strip() for text in value.values()):
                raise BadCatalogue(f"{path}: {name} must have zh and en, and nothing else")
            if _fields(value["zh"]) != _fields(value["en"]):
                raise BadCatalogue(f"{path}: {name} has different parameters in zh and en")
            yield name, value
        else:
            yield from _flatten(value, name, path)


def load(paths: Iterable[Path]) -> Texts:
    """Read and merge the catalogues at ``paths``. Raises ``BadCatalogue`` with the file and the name."""
    entries: dict[str, dict[str, str]] = {}
    for path in paths:
        for name, texts in _flatten(tomllib.loads(path.read_text(encoding="utf-8")), "", path):
            if name in entries:
                raise BadCatalogue(f"{path}: {name} is already in another room's catalogue")
            entries[name] = texts
    return Texts(entries)
