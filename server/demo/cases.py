"""The demonstration's auctions: written as approved and published, then run by the engine like any other."""

from __future__ import annotations

import random
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from accounts.records import moment
from auction.case.records import SQL, encode
from auction.lot.aliases import new_aliases
from auction.lot.model import Decrement, LotRules, Overtime, Visibility
from plumbing.postgres import Connection
from server.demo.people import BUYER_ORG, HANGZHOU, SUPPLIERS

MINUTE_MS = 60_000


class Goods(NamedTuple):
    """What is bought."""

    title: str
    category: str
    lines: tuple[tuple[str, str, str, int], ...]
    ceiling: int


AUDIO = Goods(
    "会议室音视频设备采购",
    "A02091102",
    (
        ("全向麦克风", "拾音半径 ≥6 m，回声消除，USB 与以太网供电", "台", 6),
        ("高清会议摄像机", "1080P60，光学变焦 ≥12 倍，HDMI 输出", "台", 6),
        ("会议平板", "86 英寸，4K，触控 ≥20 点，含移动支架", "台", 3),
    ),
    48_000_000,
)
PROJECTORS = Goods(
    "培训中心激光投影机采购",
    "A02020200",
    (("激光投影机", "≥5,500 流明，WUXGA，含短焦镜头与吊架", "台", 8),),
    24_800_000,
)
CHAIRS = Goods("服务大厅座椅采购", "A05010300", (("等候椅", "三人位，冷轧钢，防火面料", "组", 60),), 5_400_000)
PRINTERS = Goods(
    "A4 黑白激光打印机采购",
    "A02021003",
    (("激光打印机", "≥30 页/分钟，自动双面，网络接口", "台", 30),),
    4_500_000,
)
SERVER = Goods("档案室恒湿机采购", "A02052399", (("恒湿机", "加湿除湿一体，≥60 m²", "台", 2),), 2_600_000)


def rules_for(goods: Goods, duration_ms: int, **changes: object) -> LotRules:
    """The demo's usual rules: rank only, steps of 0.05 % of the ceiling, extensions in the last three minutes."""
    step = max(100, goods.ceiling // 2_000 // 100 * 100)
    base: dict[str, object] = {
        "ceiling": goods.ceiling,
        "duration_ms": duration_ms,
        "decrement": Decrement(amount=step),
        "visibility": Visibility.RANK_ONLY,
        "overtime": Overtime(extensions_max=5, hard_stop_ms=duration_ms + 15 * MINUTE_MS),
    }
    return LotRules(**(base | changes))  # type: ignore[arg-type]


async def add(
    conn: Connection, goods: Goods, rules: LotRules, opens_at: int, now_ms: int, *, bidders: int, dice: random.Random
) -> UUID:
    """One published auction with one lot and ``bidders`` suppliers signed up, their offers passed; the lot's id."""
    buyer = await conn.fetchrow(
        "SELECT p.id, p.org_id FROM person p JOIN organisation o ON o.id = p.org_id "
        "WHERE o.name = $1 AND p.login = 'buyer'",
        BUYER_ORG,
    )
    assert buyer is not None
    number: str = await conn.fetchval(SQL["next_number"], HANGZHOU, False)
    auction_id: UUID = await conn.fetchval(
        "INSERT INTO auction (number, ocid, region, org_id, title, category, budget_fen, budget_project, plan_no, "
        "legal_basis, signup_from, opens_at, published_at, created_by) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, '办公设备更新', $8, 'mall_local', $9, $10, $9, $11) RETURNING id",
        number, f"ocds-yangcai-{number}", HANGZHOU, buyer["org_id"], goods.title, goods.category, goods.ceiling,
        f"330100-2026-{number[-5:]}", moment(min(now_ms, opens_at) - 3_600_000), moment(opens_at), buyer["id"],
    )  # fmt: skip
    lot_id: UUID = await conn.fetchval(
        "INSERT INTO lot (auction_id, region, org_id, no, title, rules, stage, opens_at, due_at) "
        "VALUES ($1, $2, $3, 1, $4, $5, 'signup', $6, $6) RETURNING id",
        auction_id, HANGZHOU, buyer["org_id"], goods.title, encode(rules), moment(opens_at),
    )  # fmt: skip
    await conn.executemany(
        "INSERT INTO line (lot_id, no, name, spec, unit, quantity) VALUES ($1, $2, $3, $4, $5, $6)",
        [(lot_id, no, *line) for no, line in enumerate(goods.lines, 1)],
    )
    await _sign_up(conn, auction_id, lot_id, goods, bidders, moment(now_ms), dice)
    return lot_id


async def _sign_up(
    conn: Connection, auction_id: UUID, lot_id: UUID, goods: Goods, bidders: int, at: datetime, dice: random.Random
) -> None:
    aliases = new_aliases(bidders, set())
    for person, alias in zip(SUPPLIERS[:bidders], aliases, strict=True):
        row = await conn.fetchrow("SELECT id, org_id FROM person WHERE login = $1", person.login)
        assert row is not None
        signup_id = await conn.fetchval(
            "INSERT INTO signup (auction_id, org_id, alias, deduction_bp, created_by) "
            "VALUES ($1, $2, $3, $4, $5) RETURNING id",
            auction_id, row["org_id"], alias, 1_000 if person.login in ("supplier1", "supplier3") else 0, row["id"],
        )  # fmt: skip
        response = [
            {"required": f"{line[0]} {line[1]}", "offered": f"满足：{line[1]}", "deviation": "none"}
            for line in goods.lines
        ]
        await conn.execute(
            "INSERT INTO offer (lot_id, signup_id, brand, model, response, delivery, conformity, conformity_at) "
            "VALUES ($1, $2, $3, $4, $5, '合同签订后 7 日内送达并安装', 'pass', $6)",
            lot_id, signup_id, dice.choice(["甲牌", "乙牌", "丙牌"]), f"M-{dice.randint(100, 999)}", response, at,
        )  # fmt: skip
