"""Real servers for the whole test run: one Valkey and one Postgres in a temporary folder, on unix sockets."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NamedTuple

import asyncpg
import pytest
import pytest_asyncio

from plumbing import migrations, postgres, valkey
from plumbing.clock import Clock
from plumbing.engines import Places, PostgresEngine, Supervisor, ValkeyEngine
from plumbing.pipe import Pipe
from tests.support import ROOT, chromium_or_why_not

TEMPLATE = "yangcai_template"


class Engines(NamedTuple):
    """The running servers."""

    supervisor: Supervisor
    valkey: ValkeyEngine
    postgres: PostgresEngine


MEMORY, MEMORY_WANTED = Path("/dev/shm"), 4 << 30


def _memory_or_disk() -> str | None:
    """Where test data lie: in memory where there is plenty, so that no other program's disk writes stop a test.

    Every setting of the engines is the product's, syncs included; a loss of power is the crash suite's, on disk.
    """
    roomy = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_WANTED
    return str(MEMORY) if roomy else None


@pytest.fixture(scope="session")
def short_tmp() -> Iterator[Path]:
    """A temporary folder with a short path that the engines' user may pass through (pytest's own is closed)."""
    with tempfile.TemporaryDirectory(prefix="yct-", dir=_memory_or_disk(), ignore_cleanup_errors=True) as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


@pytest_asyncio.fixture(scope="session")
async def engines(short_tmp: Path) -> AsyncIterator[Engines]:
    """Both servers, started once for all tests."""
    places = Places(short_tmp / "engines")
    one, two = ValkeyEngine(places), PostgresEngine(places)
    supervisor = Supervisor(places, [one, two])
    await supervisor.start()
    yield Engines(supervisor, one, two)
    await supervisor.stop()


@pytest.fixture(scope="session")
def valkey_url(engines: Engines) -> str:
    """The address of the test Valkey."""
    return engines.valkey.url


@pytest_asyncio.fixture(scope="session")
async def valkey_client(valkey_url: str) -> AsyncIterator[valkey.Valkey]:
    """A client of the test Valkey. Tests share it: each uses ids of its own."""
    client = valkey.connect(valkey_url)
    yield client
    await client.aclose()


@pytest_asyncio.fixture
async def invented_time(valkey_client: valkey.Valkey) -> AsyncIterator[None]:
    """For tests that tell the live store an invented time: the true one again afterwards, for whoever comes next."""
    yield
    beats = [key async for key in valkey_client.scan_iter(match="*:beat", count=1_000)]
    if beats:
        await valkey_client.delete(*beats)
    Clock().anchor()


@pytest_asyncio.fixture
async def pipe(valkey_client: valkey.Valkey) -> AsyncIterator[Pipe]:
    """A pipelined connection to the test Valkey."""
    pipe = Pipe(valkey_client)
    yield pipe
    await pipe.close()


@pytest_asyncio.fixture(scope="session")
async def template(engines: Engines) -> str:
    """The name of a migrated, empty database from which others are copied."""
    await _admin(engines, f'CREATE DATABASE "{TEMPLATE}"')
    await migrations.migrate(engines.postgres.url_of(TEMPLATE), ROOT / "server" / "migrations")
    return TEMPLATE


async def _admin(engines: Engines, sql: str) -> None:
    conn = await asyncpg.connect(engines.postgres.url_of("postgres"))
    try:
        await conn.execute(sql)
    finally:
        await conn.close()


@pytest.fixture(scope="session")
def postgres_url(shared_database: str) -> str:
    """The address of the migrated database that the tests of this run share."""
    return shared_database


@pytest_asyncio.fixture(scope="session")
async def shared_database(engines: Engines, template: str) -> str:
    """Makes that database."""
    await _admin(engines, f'CREATE DATABASE "yangcai_tests" TEMPLATE "{template}"')
    return engines.postgres.url_of("yangcai_tests")


@pytest_asyncio.fixture(scope="session")
async def pool(postgres_url: str) -> AsyncIterator[postgres.Pool]:
    """A pool on the shared database. Each test makes rows of its own and counts only those."""
    pool = await postgres.open_pool(postgres_url, application_name="tests")
    yield pool
    await pool.close()


_fresh = iter(range(1, 1_000_000))


@pytest_asyncio.fixture
async def fresh_url(engines: Engines, template: str) -> AsyncIterator[str]:
    """The address of a database for one test alone: migrated, empty, dropped afterwards."""
    name = f"yangcai_fresh_{next(_fresh)}"
    await _admin(engines, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield engines.postgres.url_of(name)
    await _admin(engines, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest_asyncio.fixture
async def fresh_pool(fresh_url: str) -> AsyncIterator[postgres.Pool]:
    """A pool on a database for one test alone."""
    pool = await postgres.open_pool(fresh_url, application_name="tests")
    yield pool
    await pool.close()


@pytest.fixture
def clock() -> Clock:
    """The clock of the product."""
    return Clock()


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium. Without it or a Chinese font the test is skipped, or fails where that was forbidden."""
    program, why_not = chromium_or_why_not()
    if why_not and "browser" in os.environ.get("TESTS_MAY_NOT_SKIP", ""):
        pytest.fail(why_not)
    if why_not:
        pytest.skip(why_not)
    return program
