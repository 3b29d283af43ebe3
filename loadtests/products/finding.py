"""``python -m loadtests.products.finding FOLDER``: how long a search takes in a registry of 200,000 goods.

FOLDER holds real catalogues (laptops, parts of computers, the products of two pairs of shops). Each good is there as it
is and in variations of colour and version until there are enough. A registry of its own is made in a temporary folder
and asked as the page asks it, 150 questions of each kind, in turn; times are those of ``searching.search``.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date
from itertools import count, cycle, islice
from pathlib import Path
from typing import NamedTuple

from loadtests.products.__main__ import rows_of
from plumbing import migrations
from plumbing.engines import Places, PostgresEngine, Supervisor
from plumbing.postgres import Pool, open_pool
from registries.products import words
from registries.products.importing import learn, stored
from registries.products.model import Kind, Listing
from registries.products.searching import Sought, search

MIGRATIONS = Path(__file__).parents[2] / "server" / "migrations"
VARIATIONS = ("", "深空灰", "银色", "黑色 V2", "白色 V2", "套装", "蓝色 V3", "红色 V3", "国行", "企业版")
EACH, TODAY, SEED = 150, date(2026, 11, 23), 6
LAPTOPS, PARTS, OTHERS = "A02010108", "A02010600", "A02080000"
BATCH = 5_000
TAKEN = ("sku", "category", "brand", "model", "name", "price_fen", "sounds")


class Real(NamedTuple):
    """A product of a recorded catalogue; ``price`` in the catalogue's own unit."""

    category: str
    brand: str
    model: str
    name: str
    price: str


def catalogue(folder: Path) -> Iterator[Real]:
    """Every recorded product."""
    for row in rows_of(folder / "jd_laptops_2019_sample.csv.gz"):
        yield Real(LAPTOPS, row["x_brand"], "", row["title"], row["price"])
    for name in ("vn_laptops_11_2024.csv.gz", "vn_laptops_12_2024.csv.gz"):
        for row in rows_of(folder / name):
            yield Real(LAPTOPS, row["brand"], "", row["name"], row["price"])
    for row in rows_of(folder / "pc_parts_2025.csv.gz"):
        yield Real(PARTS, row["name"].partition(" ")[0], "", f"{row['category']} {row['name']}", row["price_usd"])
    for shops, name in (("abt_buy", "name"), ("walmart_amazon", "title")):
        for row in rows_of(folder / f"match_{shops}_products.csv.gz"):
            yield Real(OTHERS, row.get("brand") or "", row.get("modelno") or "", row[name], row["price"])


def goods(folder: Path, most: int) -> Iterator[Listing]:
    """So many goods: all as they are, then all in each variation."""
    every = [each for each in catalogue(folder) if len(each.name.strip()) > 1]
    numbers = count(1)
    dice = random.Random(SEED)
    for variation in VARIATIONS:
        for each in islice(every, max(0, most)):
            most -= 1
            fen = round(float("".join(sign for sign in each.price if sign in "0123456789.") or "0") * 100)
            yield Listing(
                kind=Kind.GOOD, sku=f"G{next(numbers)}", category=each.category, brand=each.brand[:100] or "—",
                model=each.model and f"{each.model} {variation}".strip()[:100],
                name=f"{each.name} {variation}".strip()[:300],
                price_fen=max(100, fen or dice.randrange(1_000, 900_000)), attributes={},
            )  # fmt: skip


async def fill(pool: Pool, folder: Path, most: int) -> list[Listing]:
    """Put the goods into the registry, of twenty sellers."""
    every = list(goods(folder, most))
    async with pool.acquire() as conn:
        sellers = [
            row["id"]
            for row in await conn.fetch(
                "INSERT INTO organisation (name, kind, region) SELECT 'Seller ' || n, 'supplier', '330106' "
                "FROM generate_series(1, 20) n RETURNING id"
            )
        ]
        of_turn = cycle(sellers)
        for at in range(0, len(every), BATCH):
            known = [(next(of_turn), *stored(each)) for each in every[at : at + BATCH]]
            await conn.executemany(
                f"INSERT INTO product (kind, region, stage, org_id, identity, {', '.join(TAKEN)}, words) VALUES "
                "('good', '330106', 'listed', $1, $2, $3, $4, $5, $6, $7, $8, $9, array_to_tsvector($10::text[])) "
                "ON CONFLICT DO NOTHING",
                [(org, i, *(fields[name] for name in (*TAKEN, "words"))) for org, fields, i in known],
            )
            await learn(conn, [fields["words"] for _, fields, _ in known])
        await conn.execute("VACUUM ANALYZE product")
        await conn.execute("VACUUM ANALYZE product_word")
    return every


def _swapped(word: str, dice: random.Random) -> str:
    at = dice.randrange(1, len(word) - 2)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def questions(every: list[Listing], dice: random.Random) -> dict[str, list[Sought]]:
    """The questions by kind."""
    some = dice.sample(every, min(len(every), 5_000))
    often = Counter(word for each in some for word in set(words.wanted(each.name)))
    broad = [word for word, _ in often.most_common(40)]

    def named() -> list[str]:
        while True:
            found = words.pieces(dice.choice(every).name)
            if len(found) > 1:
                return found

    def spoken() -> str:
        while True:
            runs = [each for each in named() if "\u3400" <= each[0] <= "\u9fff" and len(each) > 1]
            if runs:
                return words.spoken(dice.choice(runs)[:3])

    def long_word() -> str:
        while True:
            found = [each for each in named() if each.isascii() and each.isalpha() and len(each) > 5]
            if found:
                return dice.choice(found)

    def model() -> str:
        each = dice.choice(every)
        return f"{each.brand} {each.model}"[:100]

    def two() -> str:
        found = named()
        at = dice.randrange(len(found) - 1)
        return " ".join(found[at : at + 2])

    made = {
        "one word": lambda: Sought(words=dice.choice(named())),
        "two words": lambda: Sought(words=two()),
        "brand and model": lambda: Sought(words=model()),
        "pinyin": lambda: Sought(words=spoken()),
        "slip of the keys": lambda: Sought(words=_swapped(long_word(), dice)),
        "broad word, by price": lambda: Sought(words=dice.choice(broad), order=dice.choice(["price", "dear"])),
        "broad word, a range": lambda: Sought(
            words=dice.choice(broad), category=dice.choice([LAPTOPS, PARTS, OTHERS]), least=dice.choice([0, 50, 500]),
            most=dice.choice([1_000, 5_000]), order="price",
        ),
        "broad words, later page": lambda: Sought(words=" ".join(dice.sample(broad, 2)), at=dice.choice([1, 2, 3])),
        "category alone": lambda: Sought(
            category=dice.choice(["A", LAPTOPS, OTHERS]), order=dice.choice(["", "price"])
        ),
    }  # fmt: skip
    return {kind: [make() for _ in range(EACH)] for kind, make in made.items()}


def share(times: list[float], of: float) -> float:
    """The time in ms within which that share was answered."""
    return sorted(times)[min(len(times) - 1, int(len(times) * of))] * 1_000


async def ask(pool: Pool, asked: dict[str, list[Sought]]) -> None:
    """Ask all, kinds in turn, and print the times."""
    times: dict[str, list[float]] = {kind: [] for kind in asked}
    found: Counter[str] = Counter()
    for turn in range(EACH):
        for kind, each in asked.items():
            began = time.perf_counter()
            rows = await search(pool, each[turn], TODAY)
            times[kind].append(time.perf_counter() - began)
            found[kind] += bool(rows)
    for kind, spent in {**times, "all": [each for every in times.values() for each in every]}.items():
        told = f", something found {found[kind] / EACH:.0%}" if kind in found else ""
        marks = "  ".join(f"p{of} {share(spent, of / 100):7.1f} ms" for of in (50, 95, 99))
        print(f"{kind:24} {marks}{told}")


async def measure(folder: Path, most: int, home: Path) -> None:
    """Make a registry below ``home``, fill it if it is empty, ask."""
    places = Places(home)
    engine = PostgresEngine(places)
    supervisor = Supervisor(places, [engine])
    await supervisor.start()
    try:
        await migrations.migrate(engine.url, MIGRATIONS)
        pool = await open_pool(engine.url, statement_timeout_ms=600_000)
        began = time.monotonic()
        if await pool.fetchval("SELECT count(*) FROM product") == 0:
            every = await fill(pool, folder, most)
        else:
            every = list(goods(folder, most))
        there = await pool.fetchval("SELECT count(*) FROM product WHERE stage = 'listed'")
        print(f"{there:,} goods listed of {len(every):,} (the others are doubles), {time.monotonic() - began:.0f} s")
        await ask(pool, questions(every, random.Random(SEED)))
        await pool.close()
    finally:
        await supervisor.stop()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.products.finding")
    parser.add_argument("folder", type=Path, help="the recorded catalogues")
    parser.add_argument("--goods", type=int, default=200_000, help="so many (200,000)")
    parser.add_argument("--data", type=Path, help="keep the registry here, to be asked again")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        asyncio.run(measure(options.folder, options.goods, options.data or Path(folder)))


if __name__ == "__main__":
    main()
