"""``yangcai watchman``: the separate audit 旁路审计, run by other people than the platform's operators."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from yangcai.account import ask_password

app = typer.Typer(no_args_is_help=True, help="旁路审计: a copy of the audit trail under other administrators.")
SITE = "阳采旁路审计"
Folder = Annotated[Path, typer.Option(help="The watchman's own folder: copy, key, rules, accounts.")]


@app.command()
def run(
    source_url: Annotated[str, typer.Option(envvar="WATCHMAN_SOURCE_URL", help="Postgres, as his own login.")],
    folder: Folder = Path("watchman"),
    host: Annotated[str, typer.Option(help="Address to listen on; put a proxy with TLS in front.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="TCP port.")] = 8100,
    public_origin: Annotated[str, typer.Option(help="What people type, like https://audit.example.gov.cn")] = "",
) -> None:
    """Follow the trail, compare, warn, serve the desk. docs/audit.md says how to set it up."""
    from plumbing import logs
    from server import watchman

    logs.configure("info")
    try:
        code = watchman.run(watchman.Places(folder, source_url, host, port, public_origin))
    except watchman.WatchmanRefused as error:
        typer.secho(str(error), err=True, fg="red")
        raise typer.Exit(1) from None
    raise typer.Exit(code)


@app.command()
def admin(
    login: Annotated[str, typer.Argument(help="The administrator's login.")], folder: Folder = Path("watchman")
) -> None:
    """Open an administrator's account, or give it a new password (asked at the terminal, or from standard input).

    Prints the secret for his authenticator, a new one each time: whoever sees it has his second factor.
    """
    from accounts.factors import codes
    from server import watchman

    try:
        secret = asyncio.run(watchman.put_admin(folder, login, ask_password()))
    except ValueError:
        typer.echo("The password must have 8 to 200 characters and not be the login.", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"Administrator {login} may sign in. His authenticator: {codes.address(secret, login, SITE)}")
