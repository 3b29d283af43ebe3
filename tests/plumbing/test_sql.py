"""Named queries, and the runner of schema changes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest

from plumbing import migrations, sql
from plumbing.migrations import MigrationChanged
from plumbing.postgres import Pool, open_pool
from tests.conftest import Engines
from tests.support import ROOT

QUERY_FILES = sorted([*ROOT.glob("*/records.sql"), *ROOT.glob("*/*/records.sql")])


@pytest.mark.parametrize("path", QUERY_FILES, ids=lambda path: str(path.relative_to(ROOT)))
async def test_every_named_query_fits_the_schema(pool: Pool, path: Path) -> None:
    async with pool.acquire() as conn:
        for name, query in sql.load(path).items():
            try:
                await conn.prepare(query)
            except asyncpg.PostgresError as error:
                pytest.fail(f"{name}: {error}")


def test_a_file_is_cut_at_its_names() -> None:
    found = sql.parse("-- head\n-- name: one\n-- why\nSELECT 1;\n\n-- name: two\nSELECT 2", Path("r/records.sql"))
    assert dict(found) == {"one": "-- why\nSELECT 1", "two": "SELECT 2"}
    with pytest.raises(KeyError, match=r"r/records.sql has no query named 'three'"):
        found["three"]


@pytest.mark.parametrize("text", ["SELECT 1;\n-- name: a\nSELECT 2", "-- name: a\nSELECT 1\n-- name: a\nSELECT 2"])
def test_sql_without_a_name_and_a_name_used_twice_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"before|twice"):
        sql.parse(text, Path("records.sql"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_one.sql").write_text("CREATE TABLE one (id int PRIMARY KEY)")
    (tmp_path / "0201_two.sql").write_text("CREATE TABLE two (id int PRIMARY KEY); INSERT INTO two VALUES (1)")
    (tmp_path / "notes.sql").write_text("not a migration")
    return tmp_path


async def an_empty_database(engines: Engines, name: str) -> str:
    conn = await asyncpg.connect(engines.postgres.url_of("postgres"))
    await conn.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    await conn.execute(f'CREATE DATABASE "{name}"')
    await conn.close()
    return engines.postgres.url_of(name)


async def test_many_starters_apply_each_file_once(engines: Engines, folder: Path) -> None:
    url = await an_empty_database(engines, "migrate_once")
    done = await asyncio.gather(*(migrations.migrate(url, folder) for _ in range(4)))
    assert sorted(name for names in done for name in names) == ["0001_one.sql", "0201_two.sql"]
    (folder / "0101_between.sql").write_text("CREATE TABLE between_them (id int PRIMARY KEY)")
    assert await migrations.migrate(url, folder) == ["0101_between.sql"]


async def test_a_file_changed_after_it_was_applied_is_refused(engines: Engines, folder: Path) -> None:
    url = await an_empty_database(engines, "migrate_changed")
    await migrations.migrate(url, folder)
    (folder / "0001_one.sql").write_text("CREATE TABLE one (id bigint PRIMARY KEY)")
    with pytest.raises(MigrationChanged, match=r"0001_one\.sql"):
        await migrations.migrate(url, folder)


async def test_a_file_that_fails_leaves_nothing_behind(engines: Engines, folder: Path) -> None:
    url = await an_empty_database(engines, "migrate_half")
    (folder / "0202_bad.sql").write_text("CREATE TABLE half (id int); SELECT 1/0")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrations.migrate(url, folder)
    (folder / "0202_bad.sql").write_text("CREATE TABLE half (id int)")
    assert await migrations.migrate(url, folder) == ["0202_bad.sql"]


async def test_json_travels_as_values_and_a_long_statement_is_stopped(postgres_url: str) -> None:
    pool = await open_pool(postgres_url, statement_timeout_ms=50)
    try:
        assert await pool.fetchval("SELECT $1::jsonb || '{\"b\": [1]}'", {"a": "灯"}) == {"a": "灯", "b": [1]}
        with pytest.raises(asyncpg.QueryCanceledError):
            await pool.execute("SELECT pg_sleep(5)")
    finally:
        await pool.close()
