"""``yangcai pack check`` and ``yangcai pack load``: a province pack judged, and written whole or not at all."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(no_args_is_help=True, help="Province packs 省级配置包 (docs/packs.md).")
FILE_BYTES_MAX = 1 << 20
Folder = Annotated[str, typer.Argument(help="The folder of the pack, or the name of one of the release: zhejiang.")]


@app.command()
def check(folder: Folder) -> None:
    """Judge a pack and say everything that is wrong with it. 0: nothing, 1: something."""
    pack = _read(folder)
    typer.echo(f"{pack.manifest.name} {pack.manifest.version}: {_holds(pack)}; nothing is wrong")


@app.command()
def load(
    folder: Folder,
    postgres_url: Annotated[str, typer.Option(envvar="YANGCAI_POSTGRES_URL", help="The database.")],
) -> None:
    """Judge a pack and write it. One fault, and nothing of it is written."""
    pack = _read(folder)
    done, refused = asyncio.run(_load(postgres_url, pack))
    typer.echo(refused or f"{pack.manifest.name} {pack.manifest.version}: {_holds(pack)}; {done}", err=bool(refused))
    raise typer.Exit(1 if refused else 0)


def _holds(pack: Any) -> str:
    rows = sum(len(table) for table in pack.tables.values())
    return f"{len(pack.params)} parameters, {len(pack.forms)} text forms, {rows} lines of tables"


def _say(code: str, about: str) -> str:
    from server.site import load_texts

    return load_texts().say(f"pack.{code}", "en", about=about)


def _read(folder: str) -> Any:
    """The pack; its faults are told and end the command with 1."""
    from registries import packs
    from registries.packs.reading import read

    built_in = Path(packs.__file__).parent / folder
    root = built_in if folder.isalpha() and built_in.is_dir() else Path(folder)
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    if any(path.stat().st_size > FILE_BYTES_MAX for path in paths):
        typer.echo(f"a file of the pack is larger than {FILE_BYTES_MAX} bytes", err=True)
        raise typer.Exit(1)
    found = read({path.relative_to(root).as_posix(): path.read_bytes() for path in paths})
    if isinstance(found, list):
        for fault in found:
            typer.echo(f"{fault.file}: {_say(fault.why, fault.about)}", err=True)
        raise typer.Exit(1)
    return found


async def _load(url: str, pack: Any) -> tuple[str, str]:
    """What was done, or why it was refused."""
    import asyncpg

    from plumbing import postgres
    from plumbing.clock import Clock
    from registries.packs import records
    from server.trail import by_hand

    try:
        pool = await postgres.open_pool(url, size_max=1)
    except (OSError, asyncpg.PostgresError) as error:
        return "", f"Postgres does not answer: {error}"
    try:
        async with pool.acquire() as conn, conn.transaction():
            if not await records.load(conn, pack, Clock().now_ms()):
                return "loaded before", ""
            named = {"version": pack.manifest.version, "sha256": pack.sha256}
            await by_hand(conn, "pack load", "pack.loaded", f"pack:{pack.manifest.name}", named)
        return "loaded", ""
    except records.Refused as refused:
        return "", _say(refused.args[0].value, refused.args[1])
    finally:
        await pool.close()
