"""``python -m loadtests.products FOLDER``: how often the matcher is right, and what the price watch tells.

FOLDER holds pairs with known answers (``match_<shops>_pairs.csv.gz``, ``match_<shops>_products.csv.gz``) and the
laptops of two months (``vn_laptops_<month>_2024.csv.gz``). Pairs are halved by their left product: none of those the
weights were found on is among those they are judged by.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from registries.products import matching, pricing, words

TUNED_ON = "abt_buy"
SHOPS = {TUNED_ON: "name", "walmart_amazon": "title"}
MONTHS = ("vn_laptops_11_2024.csv.gz", "vn_laptops_12_2024.csv.gz")
MODEL_LONG = 6
FEN = 100


class Tally(NamedTuple):
    """How suggestions compare with the known answers."""

    right: int
    wrong: int
    missed: int

    def __str__(self) -> str:
        precision = self.right / max(1, self.right + self.wrong)
        recall = self.right / max(1, self.right + self.missed)
        counts = f"{self.right} right, {self.wrong} wrong, {self.missed} missed"
        return f"precision {precision:.3f}, recall {recall:.3f} ({counts})"


def rows_of(path: Path) -> list[dict[str, str]]:
    """A packed CSV file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _price(text: str | None) -> float:
    digits = re.sub(r"[^0-9.]", "", text or "")
    return float(digits) if digits.strip(".") else 0


def tallies(folder: Path, shops: str) -> dict[bool, Tally]:
    """Of one pair of shops, by whether a pair lies in the half the weights were found on."""
    products = {
        row["id"]: matching.Offered(
            row[SHOPS[shops]], row.get("brand") or "", row.get("modelno") or "", _price(row["price"])
        )
        for row in rows_of(folder / f"match_{shops}_products.csv.gz")
    }
    rarity = matching.rarity_of(each.words for each in products.values())
    counted: Counter[tuple[bool, bool, bool]] = Counter()
    for row in rows_of(folder / f"match_{shops}_pairs.csv.gz"):
        said = matching.score(products[row["left"]], products[row["right"]], rarity) >= matching.SURE
        tuned = not hashlib.sha256(row["left"].encode()).digest()[0] & 1
        counted[tuned, said, row["match"] == "1"] += 1
    return {
        tuned: Tally(counted[tuned, True, True], counted[tuned, True, False], counted[tuned, False, True])
        for tuned in (True, False)
    }


def _both(found: Iterable[Tally]) -> Tally:
    return Tally(*map(sum, zip(*found, strict=True)))


def _own(row: dict[str, str]) -> tuple[str, str]:
    """One offer over the months: its seller and its words."""
    return row["source"], words.identity(row["brand"], "", row["name"], {})


def _what(row: dict[str, str]) -> str:
    """One laptop at every seller: its brand and its maker's number, which stands before the brackets; or its words."""
    models = [each for each in matching.Offered(row["name"].partition("(")[0]).models if len(each) >= MODEL_LONG]
    return words.identity(row["brand"], max(models, key=len, default=""), row["name"], {})


def watched(folder: Path) -> tuple[int, int, dict[pricing.Against, list[int]]]:
    """Offers of the second month, those also of the first, and by how much each alert is off (hundredths of %)."""
    months = [
        [(_own(row), _what(row), round(_price(row["price"]) * FEN)) for row in rows_of(folder / name) if row["price"]]
        for name in MONTHS
    ]
    before = {own: price for own, _, price in months[0]}
    first: dict[str, list[int]] = defaultdict(list)
    for _, what, price in months[0]:
        first[what].append(price)
    sellers: dict[str, dict[str, int]] = defaultdict(dict)
    for (source, _), what, price in months[1]:
        sellers[what][source] = price
    told: dict[pricing.Against, list[int]] = {each: [] for each in pricing.Against}
    for own, what, price in months[1]:
        others = tuple(each for seller, each in sellers[what].items() if seller != own[0])
        reference = pricing.middle(first[what]) if first[what] else None
        for each in pricing.deviations(pricing.Watched(price, reference, before.get(own), others)):
            told[each.against].append(each.by_bp)
    return len(months[1]), sum(1 for own, *_ in months[1] if own in before), told


def main(folder: Path) -> None:
    """Print the figures."""
    for shops in SHOPS:
        found = tallies(folder, shops)
        if shops == TUNED_ON:
            print(f"{shops}, half the weights were found on: {found[True]}")
            print(f"{shops}, the other half: {found[False]}")
        else:
            print(f"{shops}, other shops, all pairs: {_both(found.values())}")
    offers, repeated, told = watched(folder)
    print(f"laptops: {offers} offers in the second month, {repeated} of them in the first")
    for against, by in told.items():
        span = f", {min(by) / 100:+.0f} % to {max(by) / 100:+.0f} %" if by else ""
        print(f"laptops, {against}: {len(by)} alerts{span}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
