"""What pages with lists share: what a list is asked for, and a refusal in the reader's words."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from msgspec import Struct
from starlette.requests import Request

from plumbing.problems import Problem, language

PAGE_SIZE = 20
PAGES_MAX = 10_000


def plain(words: str) -> str:
    """Words for LIKE, none of them a pattern."""
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


class Wanted(Struct, frozen=True):
    """What a list is asked for: words, one filter among ``among``, a place with all in it, a page from 1."""

    path: str
    words: str = ""
    chosen: str = ""
    at: int = 1
    region: str = ""

    @property
    def plain(self) -> str:
        """The words for LIKE."""
        return plain(self.words)

    def link(self, path: str = "", **changed: Any) -> str:
        """The address of the same list, changed; a changed search begins at its first page."""
        asked = {"words": self.words, "chosen": self.chosen, "region": self.region} | changed
        kept = {name: value for name, value in asked.items() if value and (name, value) != ("at", 1)}
        return (path or self.path) + ("?" + urlencode(kept) if kept else "")


def wanted(request: Request, path: str, among: tuple[str, ...]) -> Wanted:
    """What the address asks for; what makes no sense is left out."""
    query = request.query_params
    chosen, at, region = query.get("chosen", ""), query.get("at", "1"), query.get("region", "")
    return Wanted(
        path,
        query.get("words", "").replace("\0", "").strip()[:100],
        chosen if chosen in among else "",
        max(1, min(PAGES_MAX, int(at))) if at.isascii() and at.isdigit() and len(at) < 9 else 1,
        region if region.isascii() and region.isdigit() and len(region) == 6 else "",
    )


def in_words(request: Request, problem: Problem) -> str:
    """A refusal as this reader reads it."""
    return str(request.state.texts.say(problem.text, language(request), **problem.params))
