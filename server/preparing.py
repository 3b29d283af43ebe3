"""Before any process serves: both servers are fit, the schema is up to date, the demonstration has its people.

Apart from the supervisor because it loads the clients of both servers, which takes as long as starting them.
"""

from __future__ import annotations

from pathlib import Path

import yangcai
from plumbing import migrations, postgres, valkey
from plumbing.cluster.client import connect
from plumbing.engines import EngineFailed, checks
from server import trail
from server.settings import Mode, Settings

MIGRATIONS = Path(__file__).parent / "migrations"


async def prepare(settings: Settings) -> None:
    """Ask both servers whether they are fit, then bring the schema up to date, once for all processes.

    Raises ``EngineFailed`` with the sentence for the operator.
    """
    await _check_valkey(settings)
    try:
        pool = await postgres.open_pool(settings.postgres_url, size_max=1)
    except Exception as error:
        raise EngineFailed(f"Postgres at YANGCAI_POSTGRES_URL does not answer: {error}") from None
    try:
        async with pool.acquire() as conn:
            await checks.check_postgres(conn)
        try:
            done = await migrations.migrate(settings.postgres_url, MIGRATIONS)
        except migrations.MigrationChanged as error:
            raise EngineFailed(str(error)) from None
        if done:
            await trail.by_hand(pool, "serve", "schema.migrated", detail={"files": done})
        await trail.by_hand(
            pool, "serve", "platform.started", detail={"version": yangcai.version(), "mode": settings.mode}
        )
        if settings.mode is Mode.DEMO:
            await _seed_demo(pool)
    finally:
        await pool.close()


async def _check_valkey(settings: Settings) -> None:
    client = connect(settings.valkey_url, settings.valkey_copies_min)
    try:
        await checks.check_valkey(client)
    except (valkey.RedisError, OSError) as error:
        raise EngineFailed(f"Valkey at YANGCAI_VALKEY_URL does not answer: {error}") from None
    finally:
        await client.aclose()


async def _seed_demo(pool: postgres.Pool) -> None:
    """Write the demo's organisations and accounts."""
    from server.demo import people

    async with pool.acquire() as conn, conn.transaction():
        await people.seed(conn)
