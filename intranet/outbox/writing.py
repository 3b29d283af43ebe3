"""Writing messages 发报登记, in the transaction of what they tell; the same message twice is one."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any

from accounts.records import moment
from plumbing import sql
from plumbing.postgres import Connection
from standards.workdays import day_of

SQL = sql.load(Path(__file__).with_name("records.sql"))


class Kind(StrEnum):
    """What is told. ``fen`` of each: the amount it is about."""

    RESULT = "result.made"  # 成交结果
    CONTRACT = "contract.signed"  # 合同
    ACCEPTANCE = "acceptance.recorded"  # 验收
    PAYMENT = "payment.requested"  # 支付申请
    ALERT = "alert.raised"  # 预警


async def put_link(conn: Connection, peer: str, url: str) -> bool:
    """Tell the registered system ``peer`` at ``url`` from now on; False for one not registered."""
    return await conn.fetchval(SQL["put_link"], peer, url) is not None


async def tell(
    conn: Connection, region: str, kind: Kind, biz_key: str, fen: int, data: dict[str, Any], now_ms: int, ver: int = 1
) -> None:
    """Write a message for the system that speaks for ``region``; where none is linked, nothing is written.

    ``biz_key`` and ``ver`` name it: written again it stays as it was, and a correction has the next ``ver``.
    """
    peer = await conn.fetchval(SQL["link_of"], region)
    if peer is not None:
        given = (peer, kind, biz_key, ver, fen, day_of(now_ms), data, moment(now_ms))
        await conn.execute(SQL["add"], *given)
