"""同款识别: how sure it is that a good and a standard product are one thing. Pure; a person decides what follows.

A weighted sum of evidence, each kind of it between 0 and about 3. Weights and line were found on one half of the pairs
of two shops; how they do on the other half and on pairs of two other shops stands in docs/products.md. ``rarity``: how
telling a word is, the logarithm of how many products there are to one that has it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

from registries.products.words import bare, folded, pieces, tokens

_UNIT = re.compile(
    r"[0-9]+(gb|mb|tb|w|hz|ghz|mhz|mm|cm|in|inch|ft|oz|lb|mah|rpm|dpi|ppm|mp|bit|v|k|p|x[0-9]*|pack|pk|th|st|nd|rd)"
)
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
MODEL_MIN, PREFIX = 4, 5
PRICE_UNKNOWN = 0.3
Rarity = Callable[[str], float]


class Offered:
    """A product as the matcher sees it. ``price`` in any unit, the same on both sides; 0 where it is not known."""

    def __init__(self, name: str, brand: str = "", model: str = "", price: float = 0) -> None:
        self.text, self.model, self.price = f"{name} {brand} {model}", bare(model), price

    @cached_property
    def words(self) -> frozenset[str]:
        """Its words, each once."""
        return frozenset(tokens(self.text))

    @cached_property
    def whole(self) -> str:
        """Everything in one, so that a model written in parts is found."""
        return "".join(bare(piece) for piece in pieces(self.text))

    @cached_property
    def models(self) -> frozenset[str]:
        """What looks like a number of a maker: letters with digits, or five digits and more; not 500gb."""
        found = {bare(piece) for piece in pieces(self.text)}
        shaped = {each for each in found if _is_model(each)}
        return frozenset(shaped | {self.model} if self.model else shaped)

    @cached_property
    def numbers(self) -> frozenset[str]:
        """Every number in it."""
        return frozenset(_NUMBER.findall(folded(self.text)))


def _is_model(word: str) -> bool:
    long_enough = len(word) >= MODEL_MIN and word.isascii() and any(sign.isdigit() for sign in word)
    return long_enough and (not word.isdigit() or len(word) > MODEL_MIN) and not _UNIT.fullmatch(word)


# The evidence in its order, with the weight of each.
WEIGHTS = (-2.21, 1.34, 1.0, 0.46, 2.16, 1.32, -1.16, -0.19, -0.54, -1.42, 1.14, -0.89, -1.04)
LINE = 0.5  # on the half it was tuned on: 19 of 20 suggestions right


def evidence(one: Offered, other: Offered, rarity: Rarity) -> tuple[float, ...]:
    """What speaks for and against the two being one product, in the order of ``WEIGHTS``."""
    common = one.words & other.words
    shared = _sum(common, rarity)
    of_one, of_other = _sum(one.words, rarity), _sum(other.words, rarity)
    found = [each for each in one.models if each in other.whole]
    back = [each for each in other.models if each in one.whole]
    hit = bool(found or back)
    near = not hit and any(_alike(a, b) for a in one.models for b in other.models)
    apart = bool(one.models and other.models) and not hit and not near
    left, right = len(one.models) - len(found), len(other.models) - len(back)
    numbers = one.numbers | other.numbers
    only, only_other = one.numbers - other.numbers, other.numbers - one.numbers
    return (
        1.0,
        _squares(common, rarity) / (math.sqrt(_squares(one.words, rarity) * _squares(other.words, rarity)) or 1),
        shared / (min(of_one, of_other) or 1),
        shared / ((of_one + of_other - shared) or 1),
        float(hit),
        min(max(map(len, found + back), default=0), 10) / 10,
        float(apart),
        float(min(left, 3) * hit),
        float(min(right, 3) * hit),
        float(min(left, right, 3)),
        len(one.numbers & other.numbers) / len(numbers) if numbers else 0.5,
        float(bool(only and only_other)),
        min(abs(math.log(one.price / other.price)), 2.0) if one.price and other.price else PRICE_UNKNOWN,
    )


def _sum(words: Iterable[str], rarity: Rarity) -> float:
    return sum(rarity(each) for each in words)


def _squares(words: Iterable[str], rarity: Rarity) -> float:
    return sum(rarity(each) ** 2 for each in words)


def _alike(one: str, other: str) -> bool:
    """Two numbers of a maker that differ in their end only: colour, country, package."""
    if min(len(one), len(other)) < PREFIX:
        return False
    return other.startswith(one[: max(PREFIX, len(one) - 2)]) or one.startswith(other[: max(PREFIX, len(other) - 2)])


def score(one: Offered, other: Offered, rarity: Rarity) -> float:
    """How sure, 0 to 1; ``SURE`` and more is suggested."""
    total = sum(weight * each for weight, each in zip(WEIGHTS, evidence(one, other, rarity), strict=True))
    return 1 / (1 + math.exp(LINE - total))


SURE = 0.5


def rarity_in(total: float, count: Mapping[str, int]) -> Rarity:
    """How telling each word is among ``total`` products, by how many have it; a word that none has tells most."""

    def rarity(word: str) -> float:
        return math.log(total / (count.get(word, 0) + 0.5))

    return rarity


def rarity_of(documents: Iterable[frozenset[str]]) -> Rarity:
    """How telling each word is among these documents."""
    count: dict[str, int] = {}
    total = 1
    for words in documents:
        total += 1
        for word in words:
            count[word] = count.get(word, 0) + 1
    return rarity_in(total, count)
