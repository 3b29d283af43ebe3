"""单位名称: when two names are one to the eye. Blanks, brackets, invisible signs, width and look-alikes do not count.

Look-alikes are those of Unicode's list (UTS 39, by ``confusable_homoglyphs``): a Cyrillic ``a`` is a Latin one, the
Japanese RO is 口.
Its pairs are not joined to groups: by way of third signs half the alphabet would be one letter.
"""

from __future__ import annotations

import unicodedata
from functools import cache

from confusable_homoglyphs import confusables

IGNORED = frozenset("PZC")
"""The kinds of signs that do not count: punctuation, blanks, invisible ones."""
ONE = str.maketrans("01i", "oll")
LATIN, HAN, OTHER = range(3)


def _script(char: str) -> int:
    if char.isascii() and char.isalnum():
        return LATIN
    return HAN if unicodedata.name(char, "").startswith("CJK UNIFIED") else OTHER


def _alike(char: str) -> list[str]:
    return [each["c"] for each in confusables.confusables_data.get(char, ()) if len(each["c"]) == 1]


@cache
def stand_in(char: str) -> str:
    """The Latin letter, figure or Chinese character that ``char`` looks like, at most two pairs away; else itself."""
    own = _script(char)
    if own == LATIN:
        return char
    near = _alike(char)
    far = [other for one in near if _script(one) == OTHER for other in _alike(one)]
    better = [one for one in (near, far)[own == OTHER and all(_script(one) == OTHER for one in near)]
              if _script(one) < own or (own == HAN == _script(one) and one < char)]  # fmt: skip
    return min(better, key=lambda one: (_script(one), one), default=char)


def key_of(name: str) -> str:
    """The name without what the eye passes over: two names of one key are one name. Never raises."""
    plain = "".join(stand_in(char) for char in unicodedata.normalize("NFKC", name)).casefold()
    return "".join(char for char in plain if unicodedata.category(char)[0] not in IGNORED).translate(ONE)
