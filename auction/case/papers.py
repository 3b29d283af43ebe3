"""文书: award notice 成交通知书, activity record 采购活动记录 and archive of a lot, made from Postgres on demand.

The same facts always give the same bytes: nothing of the present moment or of chance enters a paper.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import zipfile
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import typst

from auction.case.records import SQL, Db, decode_rules, encode, millis
from auction.lot.model import LotRules, PriceBasis
from auction.transcript import files
from auction.transcript.files import Reader
from plumbing.postgres import Record
from plumbing.problems import Problem
from plumbing.texts import Texts, local, money
from standards.money import upper

FOLDER = Path(__file__).parent / "papers"
ZIP_DATE = (1980, 1, 1, 0, 0, 0)
_paper_gate = asyncio.Semaphore(2)


@cache
def _fonts() -> Any:
    folder = resources.files("justmytype_intl_cjk") / "fonts" / "ofl" / "notosanssc"
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[str(folder)])


def make_pdf(template: str, facts: Mapping[str, Any], created: datetime) -> bytes:
    """One paper as PDF; ``created`` is the time it states, the same each time. Raises ``typst.TypstError``."""
    made = typst.compile(
        FOLDER / f"{template}.typ",
        root=FOLDER,
        font_paths=_fonts(),
        sys_inputs={"facts": orjson.dumps(facts).decode()},
        timestamp=int(created.timestamp()),
    )
    assert isinstance(made, bytes)
    return made


def shown(price: int | None, basis: PriceBasis) -> str:
    """A price as people read it: money, or per cent of the list price."""
    if price is None:
        return "—"
    return f"{price / 100:.2f}%" if basis is PriceBasis.DISCOUNT_RATE else money(price)


def when(at: datetime | None) -> str:
    """A time of Shanghai, to the second."""
    return local(at).strftime("%Y-%m-%d %H:%M:%S") if at else "—"


async def facts_of(conn: Db, lot_id: UUID, texts: Texts) -> tuple[Record, dict[str, Any]]:
    """The lot and all that its papers say. Raises ``Problem`` 409 before settlement."""
    row = await conn.fetchrow(SQL["paper_facts"], lot_id)
    if row is None:
        raise Problem(404, "lot_unknown")
    if row["outcome"] is None:
        raise Problem(409, "not_settled")
    rules = decode_rules(row["rules"])
    standings = await conn.fetch(SQL["standings_of"], lot_id)
    awards = await conn.fetch(SQL["awards_of"], lot_id)
    counts = {r["kind"]: r["count"] for r in await conn.fetch(SQL["event_counts"], lot_id)}
    facts: dict[str, Any] = {
        "number": row["number"],
        "ocid": row["ocid"],
        "title": row["auction_title"],
        "lot_no": row["no"],
        "lot_title": row["title"],
        "buyer": row["buyer_name"],
        "category": row["category"],
        "budget": money(row["budget_fen"]),
        "plan_no": row["plan_no"] or "—",
        "legal_basis": _say(texts, f"gate.basis.{row['legal_basis']}"),
        "legal_why": _clauses(texts, row["gate"]),
        "few_suppliers": _few_in_words(row["gate"].get("few_suppliers")),
        "invited": "邀请" if row["invitation_only"] else "公开",
        "ceiling": shown(rules.ceiling, rules.basis),
        "rules": _rules_in_words(texts, rules),
        "published_at": when(row["published_at"]),
        "opened_at": when(row["opens_at"]),
        "closed_at": when(row["closed_at"]),
        "extensions": counts.get("extended", 0),
        "voids": counts.get("voided", 0),
        "pauses": counts.get("paused", 0),
        "outcome": _say(texts, f"paper.outcome.{row['stage']}"),
        "winner_why": "—",
        "standings": [_standing(s, rules, texts) for s in standings],
        "awards": [
            {
                "rank": a["rank"],
                "alias": a["alias"],
                "offered_at": when(a["offered_at"]),
                "answer": f"{_say(texts, 'paper.answer.' + (a['answer'] or 'none'))} {when(a['answered_at'])}",
            }
            for a in awards
        ],
        "lines": [],
        "log_length": row["final_n"],
        "log_sha256": row["log_sha256"],
        "rules_sha256": row["rules_sha256"],
    }
    return row, facts | _deal_facts(row, rules)


def _say(texts: Texts, key: str) -> str:
    return texts.say(key) if key in texts else key.rpartition(".")[2]


def _clauses(texts: Texts, gate: Mapping[str, Any]) -> str:
    clauses = gate.get("gate", {}).get("clauses", [])
    return "；".join(_say(texts, f"clause.{clause}") for clause in clauses) or "—"


def _few_in_words(few: Mapping[str, str] | None) -> str:
    return f"{few['document_no']}：{few['reason']}" if few else "—"


def _rules_in_words(texts: Texts, rules: LotRules) -> str:
    format_name = _say(texts, f"gate.format.{rules.format.value}")
    return f"{format_name}，时长 {rules.duration_ms // 60_000} 分钟，有效供应商不少于 {rules.suppliers_min} 家"


def _standing(s: Record, rules: LotRules, texts: Texts) -> dict[str, Any]:
    why = _say(texts, f"paper.why.{s['why_not']}") if s["why_not"] else ""
    reason = s["low_price_note"].get("reason", "")
    return {
        "rank": s["rank"],
        "alias": s["alias"],
        "price": shown(s["price"], rules.basis),
        "effective": shown(s["effective"], rules.basis),
        "valid": "是" if s["valid"] else "否",
        "why": f"{why} {reason}".strip(),
    }


def _deal_facts(row: Record, rules: LotRules) -> dict[str, Any]:
    """What a deal adds; nothing for a lot without one."""
    deal = row["deal"]
    if not deal:
        return {}
    won = shown(row["won_price"], rules.basis)
    amount, discount = deal["contract_fen"], deal.get("discount_bp")
    return {
        "supplier": deal["supplier_name"],
        "amount": money(amount),
        "amount_upper": upper(amount),
        "discount": "" if discount is None else f"{discount / 100:.2f}%",
        "awarded_at": when(row["made_at"]),
        "awarded_on": local(row["made_at"]).strftime("%Y年%m月%d日"),
        "contract_due": str(deal.get("contract_due") or "—"),
        "winner_why": f"{deal['supplier_name']}：有效报价中评审价最低且已确认，报价 {won}",
        "lines": [
            {
                "no": line["no"],
                "name": line["name"],
                "spec": line["spec"],
                "unit": line["unit"],
                "quantity": line["quantity"],
                "unit_price": _yuan(line["unit_price_fen"]),
                "total": _yuan(line["total_fen"]),
            }
            for line in deal["lines"]
        ],
    }


def _yuan(fen: int | None) -> str:
    return "—" if fen is None else money(fen)


async def award_notice(conn: Db, lot_id: UUID, texts: Texts) -> bytes:
    """The award notice 成交通知书 as PDF. Raises ``Problem`` 409 while there is no published deal."""
    row, facts = await facts_of(conn, lot_id, texts)
    if not row["deal"]:
        raise Problem(409, "no_deal_yet")
    return await _pdf("award_notice", facts, row["made_at"])


async def activity_record(conn: Db, lot_id: UUID, texts: Texts) -> bytes:
    """The activity record 采购活动记录 (政府采购法 §42) as PDF, of any settled lot."""
    row, facts = await facts_of(conn, lot_id, texts)
    return await _pdf("activity_record", facts, row["made_at"] or row["settled_at"])


async def _pdf(template: str, facts: Mapping[str, Any], created: datetime) -> bytes:
    async with _paper_gate:
        return await asyncio.to_thread(make_pdf, template, facts, created)


async def archive(conn: Db, lot_id: UUID, texts: Texts) -> bytes:
    """A settled lot as ZIP 归档: its ``contents`` as for a host, and a manifest of hashes."""
    row, _ = await facts_of(conn, lot_id, texts)
    files_in = await contents(conn, lot_id, texts, Reader("host"))
    manifest = {
        "lot_id": str(lot_id),
        "number": row["number"],
        "ocid": row["ocid"],
        "log_sha256": row["log_sha256"],
        "rules_sha256": row["rules_sha256"],
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files_in.items())},
    }
    return zipped({**files_in, "manifest.json": _json(manifest)})


async def contents(conn: Db, lot_id: UUID, texts: Texts, reader: Reader) -> dict[str, bytes]:
    """The files of a settled lot by name: log, rules, standings by alias, notices, papers, transcript.

    ``log.jsonl`` holds the events word for word, one a line; without its last line end its SHA-256 is the result's.
    ``transcript.jsonl`` is the signed record, opened as far as ``reader`` may see.
    """
    row, _ = await facts_of(conn, lot_id, texts)
    events = await conn.fetch(SQL["events_of"], lot_id, 0)
    standings = [
        {
            "rank": s["rank"],
            "alias": s["alias"],
            "price": s["price"],
            "effective": s["effective"],
            "n": s["n"],
            "at": millis(s["at"]),
            "valid": s["valid"],
            "why_not": s["why_not"],
            "low_price": s["low_price"],
        }
        for s in await conn.fetch(SQL["standings_of"], lot_id)
    ]
    notices = [
        {"kind": p["kind"], "published_at": millis(p["published_at"]), "sha256": p["sha256"], "body": p["body"]}
        for p in await conn.fetch(SQL["publications_of"], row["auction_id"])
        if p["lot_id"] in (None, lot_id)
    ]
    found = {
        "log.jsonl": "".join(event["body"] + "\n" for event in events).encode(),
        "rules.json": _json(encode(decode_rules(row["rules"]))),
        "standings.json": _json(standings),
        "notices.json": _json(notices),
        "activity_record.pdf": await activity_record(conn, lot_id, texts),
    }
    signed = await files.transcript(conn, lot_id, reader)
    if signed:
        found["transcript.jsonl"] = signed
    if row["deal"]:
        found["award_notice.pdf"] = await award_notice(conn, lot_id, texts)
    return found


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)


def zipped(contents: Mapping[str, bytes]) -> bytes:
    """A ZIP of ``contents`` by name, the same bytes for the same contents."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive_file:
        for name in sorted(contents):
            info = zipfile.ZipInfo(name, ZIP_DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive_file.writestr(info, contents[name])
    return out.getvalue()
