"""The embedded servers: fit for use, back after a crash, one run per folder, clean after a stop."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from pathlib import Path

import asyncpg
import pytest

from plumbing import postgres, valkey
from plumbing.engines import EngineFailed, Places, PostgresEngine, Supervisor, ValkeyEngine, allocator, checks
from plumbing.engines import valkey as valkey_engine
from plumbing.engines.process import alive, buried, command_line
from tests.conftest import Engines
from tests.support import eventually


async def test_our_own_servers_pass_our_own_checks(valkey_client: valkey.Valkey, pool: postgres.Pool) -> None:
    assert await checks.valkey_faults(valkey_client) == []
    async with pool.acquire() as conn:
        assert await checks.postgres_faults(conn) == []


async def test_a_valkey_that_may_lose_acknowledged_bids_is_refused(short_tmp: Path) -> None:
    places = Places(short_tmp / "unfit")
    engine = ValkeyEngine(places)
    supervisor = Supervisor(places, [engine])
    await supervisor.start()
    client = valkey.connect(engine.url)
    try:
        for name, weak in (("appendfsync", "everysec"), ("maxmemory", "0"), ("no-appendfsync-on-rewrite", "yes")):
            await client.config_set(name, weak)
        with pytest.raises(checks.EngineUnfit) as refused:
            await checks.check_valkey(client)
        assert len(refused.value.faults) == 3
        assert "appendfsync must be always, found everysec" in str(refused.value)
    finally:
        await client.aclose()
        await supervisor.stop()


async def test_a_postgres_that_answers_before_the_disk_does_is_refused(postgres_url: str) -> None:
    conn = await asyncpg.connect(postgres_url, server_settings={"synchronous_commit": "off"})
    try:
        assert await checks.postgres_faults(conn) == ["synchronous_commit must be on or remote_apply, found off"]
    finally:
        await conn.close()


async def test_killed_servers_come_back_with_everything_they_had_acknowledged(short_tmp: Path) -> None:
    places = Places(short_tmp / "killed")
    one, two = ValkeyEngine(places), PostgresEngine(places)
    supervisor = Supervisor(places, [one, two])
    await supervisor.start()
    try:
        client = valkey.connect(one.url)
        for n in range(20):
            await client.set(f"bid:{n}", n)
        conn = await asyncpg.connect(two.url)
        await conn.execute("CREATE TABLE deal AS SELECT 7 AS n")
        killed = {name: child.pid for name, child in supervisor.children.items()}
        for pid in killed.values():
            os.kill(pid, signal.SIGKILL)
        await eventually(lambda: all(supervisor.children[name].pid != pid for name, pid in killed.items()))
        await eventually(one.ready)
        await eventually(two.ready)
        await client.aclose()
        client = valkey.connect(one.url)
        assert len(await client.keys("bid:*")) == 20
        await client.aclose()
        await conn.close()
        conn = await asyncpg.connect(two.url)
        assert await conn.fetchval("SELECT n FROM deal") == 7
        await conn.close()
    finally:
        await supervisor.stop()
    assert not any(alive(child.pid) for child in supervisor.children.values())
    assert not list(places.run.glob("*"))


async def test_a_second_run_on_the_same_folder_is_refused_and_says_who_holds_it(engines: Engines) -> None:
    places = engines.supervisor.places
    with pytest.raises(EngineFailed, match=rf"already runs on the data folder .*process {os.getpid()}"):
        await Supervisor(places, [ValkeyEngine(places)]).start()


async def test_a_server_that_cannot_start_is_reported_with_the_end_of_its_log(short_tmp: Path) -> None:
    places = Places(short_tmp / "broken")
    supervisor = Supervisor(places, [ValkeyEngine(places, memory_max="much")])
    with pytest.raises(EngineFailed, match=r"(?s)valkey stopped while starting.*maxmemory much"):
        await supervisor.start()


async def test_a_damaged_pid_file_of_a_foreign_process_does_not_stop_postgres(short_tmp: Path) -> None:
    places = Places(short_tmp / "stale")
    engine = PostgresEngine(places)
    supervisor = Supervisor(places, [engine])
    await supervisor.start()
    os.kill(supervisor.children["postgres"].pid, signal.SIGKILL)
    await supervisor.stop()
    note = engine.folder / "postmaster.pid"
    note.write_text(f"{os.getpid()}\n{engine.folder}\n", encoding="utf-8")
    again = Supervisor(places, [engine])
    await again.start()
    await again.stop()


async def test_a_server_left_behind_is_ended_before_a_new_one_opens_its_files(short_tmp: Path) -> None:
    places = Places(short_tmp / "orphan")
    engine = ValkeyEngine(places)
    left = await engine.start()
    await eventually(engine.ready)
    supervisor = Supervisor(places, [ValkeyEngine(places)])
    await supervisor.start()
    assert left.ended or not alive(left.pid)
    await supervisor.stop()


async def test_a_dead_process_counts_as_gone_when_its_parent_has_taken_note_of_it() -> None:
    dead = subprocess.Popen(["true"])  # noqa: ASYNC220  # asyncio would take note of its end by itself
    await eventually(lambda: not alive(dead.pid))
    waiting = asyncio.create_task(buried(dead.pid))
    await asyncio.sleep(0)
    assert not waiting.done(), "the kernel still knows it, and Postgres would not start beside it"
    dead.wait()
    assert await waiting
    assert await buried(os.getpid()) is False, "who lives is not waited for"


def test_a_long_path_gets_a_short_folder_for_its_sockets(short_tmp: Path) -> None:
    places = Places(short_tmp / ("long" * 30))
    assert len(bytes(places.run)) < 60
    places.clean()
    assert not places.run.exists()


def test_programs_under_a_closed_folder_are_copied_and_no_rights_are_widened(short_tmp: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root drops to another user")
    closed = short_tmp / "closed"
    (closed / "pkg").mkdir(parents=True)
    program = closed / "pkg" / "server"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    closed.chmod(0o700)
    places = Places(short_tmp / "open")
    found = places.runnable(program, closed, ["pkg"], "server-1")
    assert found == places.home / "bin" / "server-1" / "pkg" / "server"
    assert closed.stat().st_mode & 0o777 == 0o700


def test_the_private_name_of_the_valkey_wheel_still_gives_a_program(engines: Engines) -> None:
    assert valkey_engine.find(engines.supervisor.places).name == "valkey-server"
    assert str(engines.valkey.socket) in command_line(engines.supervisor.children["valkey"].pid)


async def test_the_embedded_valkey_runs_on_the_allocator_of_its_wheel(short_tmp: Path) -> None:
    places = Places(short_tmp / "allocator")
    engine = ValkeyEngine(places)
    supervisor = Supervisor(places, [engine])
    await supervisor.start()
    try:
        pid = int((engine.folder / "pid").read_text())
        assert "libmimalloc" in Path(f"/proc/{pid}/maps").read_text()
    finally:
        await supervisor.stop()


@pytest.mark.parametrize("damage", ["no library", "no file"])
async def test_an_allocator_that_cannot_be_loaded_is_left_away(
    short_tmp: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    places = Places(short_tmp / "damaged")
    program = valkey_engine.find(places)
    found = await allocator.environment(program, places)
    assert found is not None
    assert found["LD_PRELOAD"].endswith(str(allocator.find(places)))
    broken = short_tmp / "libmimalloc.so"
    if damage == "no library":
        broken.write_bytes(b"no library")
    monkeypatch.setattr(allocator, "find", lambda places: broken)
    assert await allocator.environment(program, places) is None
    monkeypatch.setattr(allocator, "find", lambda places: None)
    assert await allocator.environment(program, places) is None
