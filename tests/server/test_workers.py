"""The whole product as processes: started by its command line, killed in parts, stopped in order."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from pathlib import Path

import asyncpg
import httpx

from plumbing.engines.process import alive
from tests.conftest import Engines
from tests.product import running, start
from tests.support import eventually, free_port

SECRET = "f3b1c05d9e7a4826b0c1d2e3f4a59687"


async def test_the_demonstration_outlives_the_death_of_any_of_its_processes_and_stops_without_a_trace(
    short_tmp: Path,
) -> None:
    data = short_tmp / "demo"
    async with running("up", "--workers", "2", "--data-dir", str(data), YANGCAI_SIMULATE="no") as product:
        assert await product.healthy()
        second = await start("up", "--port", str(free_port()), "--data-dir", str(data))
        assert second.stdout is not None
        refused = (await second.stdout.read()).decode()
        assert (await second.wait(), "already runs on the data folder" in refused) == (1, True)
        workers, engines = product.children("yangcai worker"), product.children(str(data))
        assert (len(workers), len(engines)) == (2, 2)
        os.kill(workers[0], signal.SIGKILL)
        assert await product.healthy()
        await eventually(lambda: len(set(product.children("yangcai worker")) - {workers[0]}) == 2)
        for engine in engines:
            os.kill(engine, signal.SIGKILL)
        await eventually(lambda: len(set(product.children(str(data))) - set(engines)) == 2, within_s=10)
        await eventually(product.healthy, within_s=10)
        left = [*product.children("yangcai"), *product.children(str(data))]
        product.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(20):
            assert await product.process.wait() == 0
    assert not [pid for pid in left if alive(pid)]
    assert not list((data / "run").glob("*"))


async def test_when_the_supervisor_is_killed_its_processes_go_with_it_and_the_next_start_finds_a_clean_house(
    short_tmp: Path,
) -> None:
    data = str(short_tmp / "beheaded")
    async with running("up", "--data-dir", data, YANGCAI_SIMULATE="no") as product:
        left = [*product.children("yangcai"), *product.children(data)]
        product.process.kill()
        await product.process.wait()
        await eventually(lambda: not [pid for pid in left if alive(pid)], within_s=15)
    async with running("up", "--data-dir", data, YANGCAI_SIMULATE="no") as product:
        assert await product.healthy()


async def test_a_spare_process_takes_the_place_of_one_that_was_killed_and_another_is_loaded(short_tmp: Path) -> None:
    data = str(short_tmp / "spare")
    async with running("up", "--data-dir", data, YANGCAI_SIMULATE="no") as product:
        (first,) = product.children("yangcai worker")
        await eventually(lambda: product.children("yangcai spare"), within_s=20)
        (spare,) = product.children("yangcai spare")
        assert spare not in product.children("yangcai worker")
        os.kill(first, signal.SIGKILL)
        await eventually(lambda: product.children("yangcai worker") == [spare], within_s=10)
        assert await product.healthy()
        os.kill(spare, signal.SIGKILL)  # before there is another: one is started as ever
        await eventually(lambda: product.children("yangcai worker") not in ([], [spare]), within_s=20)
        await eventually(product.healthy, within_s=20)


async def test_production_runs_on_given_servers_and_shows_no_demo_account(engines: Engines, valkey_url: str) -> None:
    admin = await asyncpg.connect(engines.postgres.url_of("postgres"))
    await admin.execute("CREATE DATABASE yangcai_production")
    environ = {
        "YANGCAI_SECRET_KEY": SECRET,
        "YANGCAI_PUBLIC_ORIGIN": "https://bids.example.gov.cn",
        "YANGCAI_VALKEY_URL": valkey_url,
        "YANGCAI_POSTGRES_URL": engines.postgres.url_of("yangcai_production"),
    }
    async with running("serve", **environ) as product:
        assert await product.healthy()
        async with httpx.AsyncClient(trust_env=False) as client:
            page = (await client.get(product.url + "/login")).text
        assert "yangcai-demo" not in product.said.decode() + page
        people = await asyncpg.connect(environ["YANGCAI_POSTGRES_URL"])
        assert await people.fetchval("SELECT count(*) FROM person") == 0
        await people.close()
    await admin.execute("DROP DATABASE yangcai_production WITH (FORCE)")
    await admin.close()


async def test_production_without_its_secrets_does_not_start_and_names_each_of_them() -> None:
    process = await start("serve", YANGCAI_SECRET_KEY="changeme")
    assert process.stdout is not None
    said = (await process.stdout.read()).decode()
    assert await process.wait() == 2
    for name in ("SECRET_KEY: is a default", "PUBLIC_ORIGIN: is missing", "VALKEY_URL: is missing"):
        assert "YANGCAI_" + name in said


async def test_a_taken_port_is_told_in_words_before_anything_is_started(short_tmp: Path) -> None:
    data = short_tmp / "taken"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = await start("up", "--port", str(port), "--data-dir", str(data))
        assert process.stdout is not None
        said = (await process.stdout.read()).decode()
    assert await process.wait() == 1
    assert f"Port {port} on 127.0.0.1 is taken by another program" in said
    assert not (data / "postgres").exists()


async def test_a_server_that_does_not_answer_is_told_by_the_name_of_its_setting(engines: Engines) -> None:
    gone = f"unix://{engines.valkey.socket}.gone"
    url = engines.postgres.url_of("postgres")
    process = await start("up", "--port", "0", YANGCAI_VALKEY_URL=gone, YANGCAI_POSTGRES_URL=url)
    assert process.stdout is not None
    said = (await process.stdout.read()).decode()
    assert (await process.wait(), "YANGCAI_VALKEY_URL does not answer" in said) == (1, True)
