"""``yangcai verify-audit``: the whole audit trail against its signed chain, and against a copy that others keep."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import typer

import accounts
from plumbing import texts

GOOD, BROKEN, NO_ANSWER = 0, 1, 2


async def _check(url: str, keys: list[str], witnessed: Any) -> Any:
    from accounts.audit.check import check, keys_of
    from accounts.audit.records import SQL
    from ledger.note import VerifierKey, read_key, unpacked
    from plumbing import postgres

    pool = await postgres.open_pool(url, size_max=1, application_name="yangcai-verify-audit")
    try:
        async with pool.acquire() as conn:
            head = await conn.fetchrow(SQL["head"])
            origin = head["note"].split("\n", 1)[0] if head else ""
            trusted = [
                VerifierKey(origin, raw) if len(raw := unpacked(key)) == 32 else read_key(key) for key in keys
            ] or await keys_of(conn, origin)
            return await check(conn, trusted, witnessed)
    finally:
        await pool.close()


def run(url: str, keys: list[str], witness: Path | None) -> int:
    """Check and say so in both languages; the exit code. ``witness``: a note with a head that was seen elsewhere."""
    import asyncpg

    from ledger.note import BadNote, read_checkpoint

    sentences = texts.load([Path(str(accounts.__file__)).parent / "audit" / "texts.toml"])
    try:
        text = witness.read_text(encoding="utf-8").partition("\n\n")[0] + "\n" if witness else ""
        witnessed = read_checkpoint("\n".join(text.split("\n")[:3]) + "\n") if text else None
        verdict = asyncio.run(_check(url, keys, witnessed))
    except (OSError, asyncpg.PostgresError, BadNote) as error:
        typer.secho(f"{type(error).__name__}: {error}", err=True)
        return NO_ANSWER
    for lang in texts.LANGS:
        key = "audit.verify_good" if verdict.good else "audit.verify_bad"
        typer.secho(sentences.say(key, lang), fg="green" if verdict.good else "red")
        typer.echo(sentences.say("audit.verify_counted", lang, acts=verdict.acts, heads=verdict.heads))
        for fault in verdict.faults:
            typer.secho("  " + sentences.say(f"audit_bad.{fault.code}", lang, n=fault.n), fg="red")
    return GOOD if verdict.good else BROKEN
