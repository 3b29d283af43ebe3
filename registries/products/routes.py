"""商品开放接口: what is listed, at what price, and how the price went. Public things only."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec import Struct
from starlette.requests import Request

from accounts.acts import OPEN
from plumbing.lists import PAGE_SIZE
from plumbing.problems import Problem
from plumbing.web import collect, op
from registries.products.model import Flag, Kind, Stage
from registries.products.records import SQL
from registries.products.searching import Sought, search
from standards.workdays import day_of


class ProductOut(Struct, frozen=True):
    """A listed product 商品. ``flags`` change the order it is shown in, nothing else."""

    id: UUID
    kind: Kind
    category: str
    brand: str
    model: str
    name: str
    price_fen: int
    attributes: dict[str, str]
    standard_id: UUID | None
    supplier: str
    flags: list[Flag]


class ProductsOut(Struct, frozen=True):
    """A page of the list: how many there are (at most 1,000 are counted), and how many stand on a page."""

    total: int
    page_size: int
    products: list[ProductOut]


class PriceOut(Struct, frozen=True):
    """A price and since when it was asked."""

    since: datetime
    price_fen: int


class ProductDetailOut(Struct, frozen=True):
    """One product with its prices, the newest first."""

    id: UUID
    kind: Kind
    category: str
    brand: str
    model: str
    name: str
    price_fen: int
    attributes: dict[str, str]
    standard_id: UUID | None
    supplier: str
    prices: list[PriceOut]


@op("GET", "/api/products", tag="products", summary=("商品", "Products"), act=OPEN)
async def list_products(request: Request, query: Sought) -> ProductsOut:
    """Products by words (Chinese, pinyin, with typing errors), kind, category, distinction and price; twenty a page."""
    rows = await search(request.state.postgres, query, day_of(request.state.clock.now_ms()))
    found = [
        ProductOut(
            row["id"], Kind(row["kind"]), row["category"], row["brand"], row["model"], row["name"], row["price_fen"],
            row["attributes"], row["standard_id"], row["org_name"], [Flag(each) for each in row["flags"]],
        )
        for row in rows
    ]  # fmt: skip
    return ProductsOut(rows[0]["total"] if rows else 0, PAGE_SIZE, found)


@op("GET", "/api/products/{product_id:uuid}", tag="products", summary=("商品详情", "One product"), act=OPEN,
    errors=(404,))  # fmt: skip
async def get_product(request: Request, product_id: UUID) -> ProductDetailOut:
    """One listed product and what it cost since when."""
    row = await request.state.postgres.fetchrow(SQL["product"], product_id)
    if row is None or row["stage"] != Stage.LISTED:
        raise Problem(404, "product_unknown")
    rows = await request.state.postgres.fetch(SQL["prices"], product_id)
    prices = [PriceOut(each["at"], each["price_fen"]) for each in rows]
    return ProductDetailOut(
        row["id"], Kind(row["kind"]), row["category"], row["brand"], row["model"], row["name"], row["price_fen"],
        row["attributes"], row["standard_id"], row["org_name"], prices,
    )  # fmt: skip


ROUTES = collect(globals())
