"""``pg_dump`` and ``pg_restore`` of the Postgres that the product brings, or ``YANGCAI_POSTGRES_BIN`` names."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from urllib.parse import unquote, urlsplit, urlunsplit

from plumbing.engines import EngineFailed
from plumbing.engines.postgres import installed

SAID_LINES_MAX = 20
Heard = Callable[[str], None]


def without_password(url: str) -> tuple[str, str]:
    """An address without its password, and the password ("" when there is none)."""
    parts = urlsplit(url)
    if not parts.password:
        return url, ""
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}@{host}")), unquote(parts.password)


async def run(program: str, url: str, *arguments: str, heard: Heard) -> None:
    """Run ``program`` on the database at ``url``; each line it says goes to ``heard``.

    The password goes through the environment, where other users cannot read it. Raises ``EngineFailed`` with its last
    words.
    """
    address, password = without_password(url)
    environ = {**os.environ, **({"PGPASSWORD": password} if password else {})}
    process = await asyncio.create_subprocess_exec(
        str(installed() / program), "--verbose", *arguments, f"--dbname={address}", env=environ,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    said: list[str] = []
    while line := (await process.stderr.readline()).decode(errors="replace").rstrip():
        said = [*said[-SAID_LINES_MAX:], line]
        heard(line)
    if await process.wait() != 0:
        raise EngineFailed(f"{program} failed:\n" + "\n".join(said))
