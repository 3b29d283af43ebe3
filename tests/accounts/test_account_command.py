"""``yangcai account open``: the first account of an installation, its password never among the arguments."""

from __future__ import annotations

import asyncio
import sys
from uuid import uuid4

import asyncpg
import pytest

from accounts import passwords
from tests.support import ROOT


async def said(url: str, password: str, **options: str) -> tuple[int, str]:
    """Exit code and words of ``yangcai account open`` with these options, the password on standard input."""
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "yangcai", "account", "open", *arguments, "--postgres-url", url, cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate(password.encode() + b"\n")
    assert process.returncode is not None
    return process.returncode, out.decode()


def options(**changed: str) -> dict[str, str]:
    return {
        "login": "op" + uuid4().hex[:8], "name": "平台管理员", "org": "阳采平台运维中心", "kind": "operator",
        "region": "330000", **changed,
    }  # fmt: skip


async def test_the_first_account_can_log_in_and_a_second_joins_its_organisation(fresh_url: str) -> None:
    first, second = options(), options(name="值班员")
    for each in (first, second):
        code, words = await said(fresh_url, "correct horse battery", **each)
        assert (code, words) == (0, f"Account {each['login']} is open (operator).\n")
    conn = await asyncpg.connect(fresh_url)
    rows = await conn.fetch("SELECT org_id, password_hash FROM person")
    assert len({row["org_id"] for row in rows}) == 1
    assert await passwords.verify_password(rows[0]["password_hash"], "correct horse battery")
    assert [row["event"] for row in await conn.fetch("SELECT event FROM audit_event")] == ["account.opened"] * 2
    assert "correct horse" not in str(await conn.fetch("SELECT * FROM audit_event"))
    await conn.close()


@pytest.mark.parametrize(
    ("password", "changed", "words"),
    [
        ("short", {}, "8 to 200 characters"),
        ("correct horse battery", {"kind": "buyer", "role": "supplier"}, "Not a role"),
        ("correct horse battery", {"region": "33"}, "Not of the right form"),
    ],
)
async def test_what_is_not_right_is_refused_in_words(
    fresh_url: str, password: str, changed: dict[str, str], words: str
) -> None:
    code, told = await said(fresh_url, password, **options(**changed))
    assert code > 0
    assert words in told
    assert "Traceback" not in told


async def test_a_login_in_use_is_refused(fresh_url: str) -> None:
    given = options()
    assert (await said(fresh_url, "correct horse battery", **given))[0] == 0
    assert "login is in use" in (await said(fresh_url, "correct horse battery", **given))[1]


async def test_who_lost_his_second_factor_begins_anew_and_it_stands_in_the_trail(fresh_url: str) -> None:
    given = options()
    await said(fresh_url, "correct horse battery", **given)
    conn = await asyncpg.connect(fresh_url)
    try:
        person = await conn.fetchval("SELECT id FROM person WHERE login = $1", given["login"])
        await conn.execute("INSERT INTO totp (person_id, secret, last_step) VALUES ($1, '', 0)", person)
        for login, code in ((given["login"], 0), ("nobody-" + given["login"], 1)):
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "yangcai", "account", "reset-factors", login, "--postgres-url", fresh_url,
                cwd=ROOT,
                stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            assert await process.wait() == code
        assert await conn.fetchval("SELECT count(*) FROM totp") == 0
        event = "SELECT object FROM audit_event WHERE event = 'account.factors_reset'"
        assert await conn.fetchval(event) == f"login:{given['login']}"
    finally:
        await conn.close()
