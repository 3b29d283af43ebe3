"""Names of places: loaded from a file by door or by command, known in every process, whole country included."""

from __future__ import annotations

import asyncio
import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from accounts.model import Role
from plumbing.clock import Clock
from plumbing.notices import Notices
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from registries.parameters import loading, pages, records, routes
from registries.parameters.rereading import Rereading, read_places
from standards import regions
from tests.site import WithState, a_client, a_person, a_site, log_in
from tests.support import SHARED, eventually

COUNTRY = SHARED / "data" / "regions" / "china_divisions_gbt2260.csv"
CATALOGUE = SHARED / "data" / "catalogue" / "procurement_catalogue_2022.csv"
FILE = "code,name\n320100,南京市\n320102,玄武区\n"
PAGE = {"accept": "text/html"}


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    regions.learn({})


@pytest.fixture
def app(fresh_pool: Pool, valkey_client: Valkey, clock: Clock) -> WithState:
    return a_site(fresh_pool, valkey_client, clock, [*routes.ROUTES, *loading.ROUTES, *pages.ROUTES])


def test_names_loaded_later_take_the_place_of_those_loaded_before() -> None:
    regions.learn({"320100": "南京市"})
    assert regions.full_name("320100") == "江苏省南京市"
    regions.learn({"330106": "西湖新区"})
    assert (regions.find("320100"), regions.full_name("330106")) == (None, "浙江省杭州市西湖新区")
    regions.learn({})
    assert regions.NAMES == regions.BUILT_IN


@pytest.mark.skipif(not COUNTRY.exists(), reason="the shared data are not here")
def test_zhejiang_is_complete_to_its_counties_and_named_as_in_the_source() -> None:
    with COUNTRY.open(encoding="utf-8") as file:
        source = {row["code"]: row["name"] for row in csv.DictReader(file)}
    for code, name in source.items():
        if code.startswith("33") or code.endswith("0000"):
            assert regions.BUILT_IN[code] == name


async def test_the_operator_loads_places_and_every_process_knows_them(
    app: WithState, fresh_pool: Pool, fresh_url: str
) -> None:
    operator = await a_person(fresh_pool, Role.OPERATOR, kind="operator", region="330000")
    await fresh_pool.execute("UPDATE role_grant SET region = '33', org_id = NULL")
    places = Rereading("places", partial(read_places, fresh_pool))
    notices = Notices(fresh_url, {"region": places.heard})
    tasks = [asyncio.create_task(places.run()), asyncio.create_task(notices.run())]
    try:
        await notices.listening.wait()
        async with a_client(app) as client:
            await log_in(client, operator.login)
            bad = await client.post("/api/regions/import?commit=true", content=FILE + "32010,坏行\n320200,\n")
            assert (bad.status_code, bad.json()["code"]) == (422, "import_faulty")
            told = (await client.post("/api/regions/import", content=FILE + "419001,济源市\n")).json()
            assert [(one["line"], one["fault"]) for one in told["faulty"]] == [(4, "parent")]
            done = (await client.post("/api/regions/import?commit=true", content=FILE)).json()
            assert (done["new"], done["committed"]) == (2, True)
            await eventually(lambda: regions.find("320102") is not None)
            assert "玄武区" in (await client.get("/standards/regions?region=320100", headers=PAGE)).text
            assert "320102" in (await client.get("/api/regions")).text
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert await fresh_pool.fetchval("SELECT count(*) FROM audit_event WHERE event = 'regions.loaded'") == 1


def _command(url: str, *words: str) -> subprocess.CompletedProcess[str]:
    given = {**os.environ, "YANGCAI_POSTGRES_URL": url}
    return subprocess.run(
        [sys.executable, "-m", "yangcai", *words], env=given, capture_output=True, text=True, timeout=120, check=False
    )


async def test_the_command_tells_every_faulty_line_and_writes_nothing(
    fresh_pool: Pool, fresh_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "categories.csv"
    file.write_text("code,name\nA03000000,文物\nX,坏行\nA09010100,没有上级\n", encoding="utf-8")
    said = await asyncio.to_thread(_command, fresh_url, "categories", "import", str(file))
    assert said.returncode == 1
    assert [line[: line.index(" ", 8)] for line in said.stderr.splitlines()] == ["line 3: X", "line 4: A09010100"]
    assert await fresh_pool.fetchval("SELECT count(*) FROM category") == 0


@pytest.mark.skipif(not CATALOGUE.exists(), reason="the shared data are not here")
async def test_the_full_tables_are_loaded_by_command_with_their_reports(fresh_pool: Pool, fresh_url: str) -> None:
    said = await asyncio.to_thread(_command, fresh_url, "categories", "import", str(CATALOGUE))
    assert (said.returncode, said.stderr) == (0, "")
    assert "4304 lines" in said.stdout
    assert len(await records.all_categories(fresh_pool)) >= 4_304
    said = await asyncio.to_thread(_command, fresh_url, "regions", "import", str(COUNTRY))
    assert (said.returncode, said.stderr) == (0, "")
    assert "3351 lines" in said.stdout
    assert await fresh_pool.fetchval("SELECT count(*) FROM region") == 3_348  # three cities stand twice
    events = [row["event"] for row in await fresh_pool.fetch("SELECT event FROM audit_event ORDER BY at")]
    assert events == ["categories.loaded", "regions.loaded"]
