"""``yangcai categories import`` and ``yangcai regions import``: whole tables from a file, with their reports."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

categories = typer.Typer(no_args_is_help=True, help="Categories 品目.")
regions = typer.Typer(no_args_is_help=True, help="Places 行政区划.")

File = Annotated[Path, typer.Argument(help="A CSV file with the columns code and name.", exists=True, dir_okay=False)]
Check = Annotated[bool, typer.Option("--check", help="Only judge the file; write nothing.")]
Url = Annotated[str, typer.Option(envvar="YANGCAI_POSTGRES_URL", help="The database.")]


@categories.callback()
def about_categories() -> None:
    """Categories 品目."""


@regions.callback()
def about_regions() -> None:
    """Places 行政区划."""


@categories.command("import")
def import_categories(file: File, postgres_url: Url, check: Check = False) -> None:
    """Load the table of categories. One faulty line, and nothing is written."""
    raise typer.Exit(run(postgres_url, "categories", file, check))


@regions.command("import")
def import_regions(file: File, postgres_url: Url, check: Check = False) -> None:
    """Load the names of places. One faulty line, and nothing is written."""
    raise typer.Exit(run(postgres_url, "regions", file, check))


def run(url: str, what: str, file: Path, check: bool) -> int:
    """Load a file and print its report: 0 when all is well, 1 when something is wrong with it, 2 without a database."""
    import asyncpg

    from registries.parameters.importing import FileFault
    from server.site import load_texts

    try:
        report = asyncio.run(_load(url, what, file.read_bytes(), not check))
    except (OSError, asyncpg.PostgresError) as error:
        typer.echo(f"Postgres does not answer: {error}", err=True)
        return 2
    say = load_texts().say
    if isinstance(report, FileFault):
        typer.echo(say(f"problem.import_{report.value}", "en", most="20000"), err=True)
        return 1
    for one in report.faulty:
        typer.echo(f"line {one.line}: {one.code} {one.name}: {say('import.' + one.fault, 'en')}", err=True)
    for code, before, now in report.renamed:
        typer.echo(f"{code} {before} -> {now}")
    counts = {"lines": report.lines, "new": report.new, "renamed": len(report.renamed), "same": report.same}
    typer.echo(say("standards.load_report", "en", **counts, faults=report.faults))
    typer.echo("written" if report.committed else "nothing was written")
    return 1 if report.faults else 0


async def _load(url: str, what: str, raw: bytes, commit: bool) -> Any:
    from plumbing import postgres
    from registries.parameters import loading
    from server.trail import by_hand

    async def tell(conn: Any, told: dict[str, Any]) -> None:
        await by_hand(conn, f"{what} import", f"{what}.loaded", f"{what}:all", told)

    pool = await postgres.open_pool(url, size_max=1)
    try:
        async with pool.acquire() as conn:
            return await loading.load(conn, loading.SHELVES[what], raw, tell, commit=commit)
    finally:
        await pool.close()
