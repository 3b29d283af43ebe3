"""``yangcai account open``: the first accounts of an installation, made by whoever runs it."""

from __future__ import annotations

import asyncio
import getpass
import sys
from enum import StrEnum
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Accounts of people and their organisations.")


class Kind(StrEnum):
    """What an organisation 单位 is."""

    BUYER = "buyer"
    SUPPLIER = "supplier"
    AGENCY = "agency"
    SUPERVISOR = "supervisor"
    OPERATOR = "operator"
    EXPERT = "expert"


def ask_password() -> str:
    """The password, asked twice at a terminal, else the first line of standard input; never an argument."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("The same again: ") != first:
        typer.echo("The two are not the same.", err=True)
        raise typer.Exit(2)
    return first


@app.command("open")
def open_(
    login: Annotated[str, typer.Option(help="What the person logs in with: letters, digits, . _ @ -")],
    name: Annotated[str, typer.Option(help="The person's name.")],
    org: Annotated[str, typer.Option(help="The organisation's full name; joined when there is one of this name.")],
    kind: Annotated[Kind, typer.Option(help="What the organisation is.")],
    region: Annotated[str, typer.Option(help="Six digits of the administrative division, such as 330100.")],
    postgres_url: Annotated[str, typer.Option(envvar="YANGCAI_POSTGRES_URL", help="The database.")],
    role: Annotated[list[str] | None, typer.Option(help="A role; may be given twice. Without: the usual one.")] = None,
    uscc: Annotated[str | None, typer.Option(help="Unified social credit code of a new organisation.")] = None,
) -> None:
    """Open an account. The password is asked at the terminal, or read from standard input."""
    from accounts.model import ROLES_OF_KIND

    usual = ROLES_OF_KIND[kind]
    roles = role or [str(usual[0])]
    strange = [each for each in roles if each not in usual]
    if strange:
        typer.echo(f"Not a role in an organisation of kind {kind}: {', '.join(strange)}", err=True)
        raise typer.Exit(2)
    refused = asyncio.run(_open(postgres_url, login, name, ask_password(), org, kind, region, uscc, roles))
    if refused:
        typer.echo(refused, err=True)
        raise typer.Exit(1)
    typer.echo(f"Account {login} is open ({', '.join(roles)}).")


async def _open(
    url: str, login: str, name: str, password: str, org: str, kind: str, region: str, uscc: str | None, roles: list[str]
) -> str:
    """Open it; why not, empty when it was done."""
    import asyncpg

    from accounts import people, records
    from accounts.model import Role
    from plumbing import postgres

    try:
        pool = await postgres.open_pool(url, size_max=1)
    except (OSError, asyncpg.PostgresError) as error:
        return f"Postgres does not answer: {error}"
    try:
        org_id = await records.organisation_named(pool, org, kind)
        await people.open_account(
            pool, org_id=org_id, org_name=org, org_kind=kind, region=region, uscc=uscc, login=login, name=name,
            password=password, roles=[Role(role) for role in roles],
        )  # fmt: skip
    except people.PasswordUnfit:
        return "The password must have 8 to 200 characters and not be the login."
    except people.DutiesConflict as error:
        return f"No person holds these roles at once: {error}."
    except asyncpg.UniqueViolationError as error:
        taken = "organisation's code" if "uscc" in str(error) else "login"
        return f"This {taken} is in use already."
    except asyncpg.CheckViolationError as error:
        return f"Not of the right form ({error.constraint_name}): see --help."
    except asyncpg.UndefinedTableError:
        return "The database has no tables yet: run `yangcai migrate`, or start the server once."
    finally:
        await pool.close()
    return ""


@app.command("reset-factors")
def reset_factors(
    login: Annotated[str, typer.Argument(help="Whose authenticator, passkeys and recovery codes are lost.")],
    postgres_url: Annotated[str, typer.Option(envvar="YANGCAI_POSTGRES_URL", help="The database.")],
) -> None:
    """Take every second factor from a person who lost them, and end his sessions; his password stays."""
    refused = asyncio.run(_reset(postgres_url, login))
    if refused:
        typer.echo(refused, err=True)
        raise typer.Exit(1)
    typer.echo(f"{login} has no second factor any more.")


async def _reset(url: str, login: str) -> str:
    """Do it; why not, empty when it was done."""
    import asyncpg

    from accounts import records
    from accounts.factors.records import drop_all
    from plumbing import postgres
    from server.trail import by_hand

    try:
        pool = await postgres.open_pool(url, size_max=1)
    except (OSError, asyncpg.PostgresError) as error:
        return f"Postgres does not answer: {error}"
    try:
        async with pool.acquire() as conn, conn.transaction():
            person = await conn.fetchrow(records.SQL["person_by_login"], login)
            if person is None:
                return f"Nobody logs in as {login}."
            await drop_all(conn, person["id"])
            await conn.execute(records.SQL["end_other_sessions"], person["id"], None)
            await by_hand(conn, "account reset-factors", "account.factors_reset", f"login:{person['login']}")
    finally:
        await pool.close()
    return ""
