"""``yangcai fiscal``: the fiscal systems whose messages are taken and who are told; ``fiscal-simulator`` plays one."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

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


@app.command()
def link(
    name: Annotated[str, typer.Argument(help="A registered system.")],
    url: Annotated[str, typer.Option(help="Where it takes our messages.")],
    postgres_url: Annotated[str, typer.Option(envvar="YANGCAI_POSTGRES_URL", help="The database.")],
    secret_key: Annotated[str, typer.Option(envvar="YANGCAI_SECRET_KEY", help="The installation's secret key.")],
) -> None:
    """Tell a fiscal system of results, contracts and payments from now on. Prints the secret to share with it."""
    from intranet.outbox.sending import secret_of

    refused = asyncio.run(_link(postgres_url, name, url))
    typer.echo(refused or secret_of(secret_key, name).hex(), err=bool(refused))
    raise typer.Exit(1 if refused else 0)


def simulator(
    data: Annotated[Path, typer.Option(help="A folder for its book and its key.")],
    platform: Annotated[str, typer.Option(help="The platform's address, such as http://127.0.0.1:8000.")],
    name: Annotated[str, typer.Option(help="The name it is registered under.")] = "ys-simulator",
    secret: Annotated[str, typer.Option(help="What yangcai fiscal link printed; empty: only prints the key.")] = "",
    port: Annotated[int, typer.Option(help="Port on the loopback.")] = 8790,
) -> None:
    """Play a fiscal system outside: takes and answers messages, pays, reports its days, makes faults when told to."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    data.mkdir(parents=True, exist_ok=True)
    kept = data / "key"
    if not kept.exists():
        kept.touch(0o600)
        kept.write_bytes(Ed25519PrivateKey.generate().private_bytes_raw())
    key = Ed25519PrivateKey.from_private_bytes(kept.read_bytes())
    typer.echo(f"{name}: public key {base64.b64encode(key.public_key().public_bytes_raw()).decode()}")
    if secret:
        asyncio.run(_simulate(data / "book.sqlite", platform, name, key, bytes.fromhex(secret), port))


async def _simulate(book: Path, platform: str, name: str, key: Any, secret: bytes, port: int) -> None:
    import uvicorn

    from intranet.simulator.app import Simulator
    from intranet.simulator.store import Store

    played = Simulator(Store(book), name, key, secret, platform.rstrip("/") + "/api/fiscal/messages")
    sending = asyncio.create_task(played.keep_sending())
    config = uvicorn.Config(played.site(), host="127.0.0.1", port=port, log_level="warning")
    try:
        await uvicorn.Server(config).serve()
    finally:
        sending.cancel()


async def _put(url: str, name: str, region: str, key: str) -> str:
    """Why not; empty when it was done."""

    async def put(conn: Any) -> str:
        from intranet.exchange import receiving
        from ledger.note import unpacked
        from server.trail import by_hand

        if not await receiving.put_peer(conn, name, region, unpacked(key)):
            return f"{name} is registered for another place."
        await by_hand(conn, "fiscal peer", "fiscal.peer_put", f"fiscal:{name}", {"region": region})
        return ""

    return await _done(url, put)


async def _link(postgres_url: str, name: str, url: str) -> str:
    async def put(conn: Any) -> str:
        from intranet.outbox.writing import put_link
        from server.trail import by_hand

        if not await put_link(conn, name, url):
            return f"{name} is not registered: yangcai fiscal peer comes first."
        await by_hand(conn, "fiscal link", "fiscal.link_put", f"fiscal:{name}", {"url": url})
        return ""

    return await _done(postgres_url, put)


async def _done(url: str, what: Callable[[Any], Awaitable[str]]) -> str:
    """What ``what`` says, in a transaction; or why it could not be asked."""
    import asyncpg

    from plumbing import postgres

    try:
        pool = await postgres.open_pool(url, size_max=1)
    except (OSError, asyncpg.PostgresError) as error:
        return f"Postgres does not answer: {error}"
    try:
        async with pool.acquire() as conn, conn.transaction():
            return await what(conn)
    except asyncpg.CheckViolationError as error:
        return f"Not of the right form ({error.constraint_name}): see --help."
    finally:
        await pool.close()
