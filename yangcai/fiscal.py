"""``yangcai fiscal peer``: the fiscal systems whose signed messages are taken, named by whoever runs the platform."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Fiscal systems outside, and their keys.")


@app.callback()
def main() -> None:
    """Fiscal systems outside, and their keys."""


@app.command()
def peer(
    name: Annotated[str, typer.Argument(help="How the system calls itself: lower case letters, digits, dashes.")],
    region: Annotated[str, typer.Option(help="The prefix of the places it speaks for, such as 33 or 3301.")],
    key: Annotated[str, typer.Option(help="Its Ed25519 public key, 32 bytes in base64.")],
    postgres_url: Annotated[str, typer.Option(envvar="YANGCAI_POSTGRES_URL", help="The database.")],
) -> None:
    """Register a fiscal system, or give a registered one another key. Its messages go on at the next number."""
    refused = asyncio.run(_put(postgres_url, name, region, key))
    typer.echo(refused or f"{name} speaks for {region or 'everywhere'}.", err=bool(refused))
    raise typer.Exit(1 if refused else 0)


async def _put(url: str, name: str, region: str, key: str) -> str:
    """Why not; empty when it was done."""
    import asyncpg

    from intranet.exchange import receiving
    from ledger.note import unpacked
    from plumbing import postgres
    from server.trail import by_hand

    try:
        pool = await postgres.open_pool(url, size_max=1)
    except (OSError, asyncpg.PostgresError) as error:
        return f"Postgres does not answer: {error}"
    try:
        async with pool.acquire() as conn, conn.transaction():
            if not await receiving.put_peer(conn, name, region, unpacked(key)):
                return f"{name} is registered for another place."
            await by_hand(conn, "fiscal peer", "fiscal.peer_put", f"fiscal:{name}", {"region": region})
    except asyncpg.CheckViolationError as error:
        return f"Not of the right form ({error.constraint_name}): see --help."
    finally:
        await pool.close()
    return ""
