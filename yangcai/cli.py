"""The command line: what ``yangcai --help`` lists. Each command loads its code when it is called."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import yangcai
from yangcai import account, fiscal, loading, outside, pack, watching

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False,
    help="阳采 Yangcai: live reverse auctions for public purchasing.",
)  # fmt: skip

app.add_typer(account.app, name="account")
app.add_typer(watching.app, name="watchman")
app.add_typer(fiscal.app, name="fiscal")
app.command(name="fiscal-simulator")(fiscal.simulator)
app.command(name="register-simulator")(outside.simulator)
app.add_typer(loading.categories, name="categories")
app.add_typer(loading.regions, name="regions")
app.add_typer(pack.app, name="pack")

Port = Annotated[int | None, typer.Option(help="TCP port; 0 takes a free one.")]
Host = Annotated[str | None, typer.Option(help="Address to listen on.")]
Workers = Annotated[int | None, typer.Option(help="Server processes.")]
Data = Annotated[Path | None, typer.Option("--data-dir", help="Data folder.")]


def _settings(**given: Any) -> Any:
    from server.settings import SettingsError, load

    try:
        return load(**given)
    except SettingsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


def _run(**given: Any) -> None:
    from plumbing import logs
    from server import workers

    settings = _settings(**{name: str(value) if isinstance(value, Path) else value for name, value in given.items()})
    logs.configure(str(settings.log_level))

    def on_ready(address: str, running: Any) -> None:
        typer.echo(f"阳采 Yangcai {yangcai.version()} ({running.mode}): {address}")
        if running.public_origin:
            typer.echo(f"Public address: {running.public_origin}")
        for line in _demo_lines(running):
            typer.echo(line)
        if running.mode == "demo":
            typer.echo(f"Logs: {Path(running.data_dir).resolve() / 'log'}   Ctrl-C stops it.")
        sys.stdout.flush()

    def say(text: str) -> None:
        typer.echo(text, err=True)

    raise typer.Exit(asyncio.run(workers.run(settings, say, on_ready)))


def _demo_lines(settings: Any) -> list[str]:
    """The demo's accounts, one a line; nothing outside demo mode."""
    from server.settings import Mode

    if settings.mode is not Mode.DEMO:
        return []
    from server.demo import people

    return people.lines()


@app.command()
def up(port: Port = None, host: Host = None, workers: Workers = None, data_dir: Data = None) -> None:
    """Run the demonstration: embedded servers, made-up organisations, an auction that moves."""
    _run(mode="demo", port=port, host=host, workers=workers, data_dir=data_dir)


@app.command()
def serve(port: Port = None, host: Host = None, workers: Workers = None, data_dir: Data = None) -> None:
    """Run for real. Refuses missing or default secrets, and names them (docs/settings.md)."""
    _run(mode="production", port=port, host=host, workers=workers, data_dir=data_dir)


@app.command()
def restart(
    data_dir: Data = None,
    rolling: Annotated[
        bool, typer.Option("--rolling", help="One process after another; the only way there is.")
    ] = True,
) -> None:
    """Replace the running server processes one by one by those of this release. No bid is refused for it."""
    from server.release import Desk

    settings = _settings(data_dir=str(data_dir) if data_dir else None, mode="demo")
    within_s = 120.0 + settings.workers * (90 + settings.shutdown_grace_s)
    said = asyncio.run(Desk(Path(settings.data_dir)).ask(within_s))
    typer.echo(said or "done", err=bool(said))
    raise typer.Exit(1 if said else 0)


def _connected(data_dir: Path | None) -> Any:
    """The settings with the addresses of the servers that run on the data folder; exit code 1 where there are none."""
    import msgspec

    from server.release import Desk

    settings = _settings(data_dir=str(data_dir) if data_dir else None)
    running = Desk(Path(settings.data_dir)).running()
    if running:
        settings = msgspec.structs.replace(settings, valkey_url=running.valkey_url, postgres_url=running.postgres_url)
    if not (settings.valkey_url and settings.postgres_url):
        typer.echo(f"no Yangcai runs on {settings.data_dir}: start it, or give the addresses of both servers", err=True)
        raise typer.Exit(1)
    return settings


Folder = Annotated[Path, typer.Argument(help="The folder of the backup.")]


def _bar(what: str, done: int, of: int) -> None:
    """A progress bar on a terminal; elsewhere one line for each part that is done."""
    end = bool(of) and done >= of
    if sys.stderr.isatty():
        filled = 30 * done // of if of else 0
        shown = f"[{'#' * filled:30}] {done}/{of}" if of else f"{done}"
        typer.echo(f"\r{what:10}{shown}", nl=end, err=True)
    elif end:
        typer.echo(f"{what}: {done} of {of}", err=True)


def _carry(work: Any) -> Any:
    """What ``work`` gives; a refusal is told and ends the command with 1."""
    from plumbing.engines import EngineFailed
    from server.backup import BackupRefused

    try:
        return asyncio.run(work)
    except (BackupRefused, EngineFailed) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


@app.command()
def backup(folder: Folder, data_dir: Data = None) -> None:
    """Back the running installation up into a new folder, that nobody else may read (docs/operations.md)."""
    from plumbing.clock import Clock
    from server import backup as ours
    from server.settings import transcript_keys

    settings = _connected(data_dir)
    made = _carry(ours.back_up(settings, transcript_keys(settings), folder, Clock().now_ms(), _bar))
    typer.echo(f"{folder}: {len(made.roots)} signed lots, {len(made.live)} in the live store")


@app.command()
def restore(folder: Folder, data_dir: Data = None) -> None:
    """Bring a backup back into an empty data folder and empty servers, and verify all of it."""
    from server import restore as ours
    from server.settings import transcript_keys

    settings = _settings(data_dir=str(data_dir) if data_dir else None)
    wrong = _carry(ours.restore(settings, transcript_keys(settings), folder, _bar))
    typer.echo("\n".join(wrong) or "verified: every root is the one that was signed, every transcript is genuine")
    raise typer.Exit(1 if wrong else 0)


@app.command()
def archive(
    case: Annotated[str, typer.Argument(help="Number or id of a case that is over.")],
    out: Annotated[Path | None, typer.Option(help="The file to write; it must not exist.")] = None,
    reader: Annotated[str, typer.Option(help="For whom: host (suppliers by alias) or supervisor (named).")] = "host",
    data_dir: Data = None,
) -> None:
    """Write the archive of a case: a ZIP that is read and checked without the product (政府采购法 §42)."""
    from yangcai import archiving

    settings = _connected(data_dir)
    said, done = asyncio.run(archiving.run(settings.postgres_url, case, reader, out))
    typer.echo(said, err=not done)
    raise typer.Exit(0 if done else 1)


@app.command()
def migrate(postgres_url: Annotated[str, typer.Argument(envvar="YANGCAI_POSTGRES_URL")]) -> None:
    """Bring the schema of a database up to date and say what was done. ``serve`` does this by itself."""
    from plumbing import migrations
    from server.preparing import MIGRATIONS

    done = asyncio.run(migrations.migrate(postgres_url, MIGRATIONS))
    if done:
        _note(postgres_url, "migrate", "schema.migrated", detail={"files": done})
    typer.echo("\n".join(done) or "nothing to do")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def replay(context: typer.Context) -> None:
    """Play recorded reverse auctions through the running server and compare the results."""
    from loadtests.replay import main as replay_main

    raise typer.Exit(int(replay_main(list(context.args)) or 0))


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="A transcript (.jsonl), or the archive of a lot (.zip).")],
    receipt: Annotated[Path | None, typer.Option(help="A bidder's receipts (.json).")] = None,
    key: Annotated[list[str] | None, typer.Option(help="A public key that you trust; may be given again.")] = None,
) -> None:
    """Check a transcript offline: signatures, tree, the result counted again. 0: genuine, 1: not, 2: no such file."""
    from yangcai import verifying

    raise typer.Exit(verifying.run(file, receipt, key or []))


@app.command("verify-audit")
def verify_audit(
    postgres_url: Annotated[str, typer.Option(envvar="YANGCAI_POSTGRES_URL", help="The database.")],
    key: Annotated[list[str] | None, typer.Option(help="A public key that you trust; may be given again.")] = None,
    witness: Annotated[
        Path | None, typer.Option(help="A head seen elsewhere (a note, such as the watchman's).")
    ] = None,
) -> None:
    """Check the whole audit trail against its signed chain. 0: good, 1: broken, 2: no answer."""
    from yangcai import auditing

    raise typer.Exit(auditing.run(postgres_url, key or [], witness))


@app.command("rotate-transcript-key")
def rotate_transcript_key() -> None:
    """Add a new signing key for transcripts; it signs from the next start on. What was signed before stays good."""
    from ledger import keys
    from ledger.note import packed
    from server.settings import transcript_keys

    settings = _settings()
    public = packed(keys.rotate(transcript_keys(settings)).public)
    if settings.postgres_url:  # the first start with the new key writes it down in any case
        _note(settings.postgres_url, "rotate-transcript-key", "transcript.key_made", f"key:{public}")
    typer.echo(public)


def _note(url: str, command: str, event: str, thing: str = "", **about: Any) -> None:
    """Write to the audit trail what was done by hand 运维审计. What is done already is not undone when that fails."""
    from plumbing import postgres
    from server import trail

    async def write() -> None:
        pool = await postgres.open_pool(url, size_max=1)
        try:
            await trail.by_hand(pool, command, event, thing, **about)
        finally:
            await pool.close()

    try:
        asyncio.run(write())
    except Exception as error:
        typer.echo(f"Not written to the audit trail: {error}", err=True)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(yangcai.version())


def main() -> int:
    """Run the command line; the exit code."""
    app(standalone_mode=True)
    return 0
