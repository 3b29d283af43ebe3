"""Names by which bidders are shown 别名: drawn by chance for every lot."""

from __future__ import annotations

from random import SystemRandom

_LETTERS = "ABCDEFGHJKLMNPQRTUVWXY"


def new_aliases(count: int, taken: set[str]) -> list[str]:
    """``count`` new aliases 别名, a letter and digits by chance, so that none tells who came first or how many."""
    chance = SystemRandom()
    found: list[str] = []
    top = 99 if count + len(taken) < 500 else 9_999 if count + len(taken) < 50_000 else 99_999
    while len(found) < count:
        alias = f"{chance.choice(_LETTERS)}{chance.randint(top // 10 + 1, top)}"
        if alias not in taken:
            taken.add(alias)
            found.append(alias)
    return found
