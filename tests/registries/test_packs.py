"""A province pack is judged whole, told in words, and written whole or not at all."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from accounts.flows import engine
from accounts.flows.model import Kind
from plumbing.postgres import Pool
from registries import packs
from registries.packs import records
from registries.packs.reading import Pack, Why, read
from registries.parameters import records as parameters
from tests.registries.test_regions import _command

ZHEJIANG = Path(packs.__file__).parent / "zhejiang"
NOON = 1_795_406_400_000
"""23 November 2026 at noon in Shanghai."""
MANIFEST = """name = "jiangsu"
version = "1"
region = "32"
source = "苏财购〔2026〕1号"
valid_from = 2026-01-01
branding = { claim_zh = "江苏政府采购", claim_en = "Jiangsu" }
"""


def a_value(region: str = "32", begins: str = "2026-01-01", value: str = "4", more: str = "") -> str:
    return (
        f'[[parameter]]\nkey = "auction.rounds"\nregion = "{region}"\nvalue = {value}\nvalid_from = {begins}\n'
        f'source = "苏财购〔2026〕1号"\n{more}\n'
    )


def a_flow(region: str = "", posts: str = '"finance", "head"', more: str = "") -> str:
    return f'[[flow]]\nkind = "plan"\nregion = "{region}"\n[[flow.step]]\nposts = [{posts}]\nneeds = "any"\n{more}\n'


def a_pack(**files: str) -> dict[str, bytes]:
    named = {"pack.toml": MANIFEST} | {name.replace("__", "/").replace("_", "."): text for name, text in files.items()}
    return {name: text.encode() for name, text in named.items()}


def sound(files: dict[str, bytes]) -> Pack:
    found = read(files)
    assert isinstance(found, Pack), found
    return found


def test_the_pack_of_zhejiang_has_no_fault() -> None:
    files = {one.relative_to(ZHEJIANG).as_posix(): one.read_bytes() for one in ZHEJIANG.rglob("*") if one.is_file()}
    found = sound(files)
    assert (found.manifest.region, len(found.forms)) == ("33", 4)


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({}, Why.MISSING),
        (a_pack(notes_md="x"), Why.STRANGE),
        (a_pack(parameters_toml="[["), Why.UNREADABLE),
        (a_pack(parameters_toml=a_value(value="99")), Why.PARAMETER),
        (a_pack(parameters_toml=a_value("33")), Why.OUTSIDE),
        (a_pack(parameters_toml=a_value() + a_value(begins="2026-06-01")), Why.OVERLAP),
        (a_pack(forms__notice_txt="{password}"), Why.FORM),
        (a_pack(regions_csv="code,name\n419001,济源市\n"), Why.TABLE),
        (a_pack(categories_csv="x"), Why.TABLE),
        (a_pack(flows_toml='[[flow]]\nkind = "tender"\nstep = []'), Why.UNREADABLE),
        (a_pack(flows_toml=a_flow(more="from_fen = 5")), Why.FLOW),
        (a_pack(flows_toml=a_flow("3301")), Why.OUTSIDE),
        (a_pack(flows_toml=a_flow("32x")), Why.OUTSIDE),
        (a_pack(flows_toml=a_flow() + a_flow("32")), Why.OVERLAP),
    ],
)
def test_what_is_wrong_with_a_pack_is_named(files: dict[str, bytes], why: Why) -> None:
    found = read(files)
    assert isinstance(found, list)
    assert [one.why for one in found] == [why]


async def test_a_pack_is_loaded_once_and_its_branding_stands_on_the_pages(fresh_pool: Pool) -> None:
    ended = a_value(begins="2026-01-01", more="valid_to = 2026-06-01") + a_value(begins="2026-06-01", value="5")
    first = sound(
        a_pack(parameters_toml=ended, forms__notice_txt="编号：{number}", regions_csv="code,name\n320100,南京市\n")
    )
    brand = records.Brand()
    async with fresh_pool.acquire() as conn:
        async with conn.transaction():
            assert await records.load(conn, first, NOON)
        async with conn.transaction():
            assert not await records.load(conn, first, NOON)
    await brand.read(fresh_pool)
    assert (brand.claim("zh"), brand.claim("en")) == ("江苏政府采购", "Jiangsu")
    assert [one.value for one in await parameters.all_params(fresh_pool)] == [4, 5]
    assert await parameters.loaded_regions(fresh_pool) == {"320100": "南京市"}
    with pytest.raises(records.Refused) as other:
        async with fresh_pool.acquire() as conn, conn.transaction():
            await records.load(conn, sound(a_pack(forms__notice_txt="另一文本")), NOON)
    assert other.value.args[0] is records.Clash.OTHER


async def test_a_pack_that_does_not_fit_what_is_set_leaves_nothing_behind(fresh_pool: Pool) -> None:
    async with fresh_pool.acquire() as conn, conn.transaction():
        await records.load(conn, sound(a_pack(parameters_toml=a_value())), NOON)
    later = {"regions_csv": "code,name\n320100,南京市\n", "parameters_toml": a_value(begins="2026-11-01", value="6")}
    files = a_pack(**later)
    files["pack.toml"] = files["pack.toml"].replace(b'"1"', b'"2"')
    with pytest.raises(records.Refused) as past:
        async with fresh_pool.acquire() as conn, conn.transaction():
            await records.load(conn, sound(files), NOON)
    assert past.value.args[0] is records.Clash.PAST
    assert await parameters.loaded_regions(fresh_pool) == {}


async def test_the_command_checks_and_loads(fresh_pool: Pool, fresh_url: str, tmp_path: Path) -> None:
    said = await asyncio.to_thread(_command, fresh_url, "pack", "check", str(tmp_path))
    assert (said.returncode, said.stderr.strip()) == (1, "pack.toml: The file is missing.")
    said = await asyncio.to_thread(_command, fresh_url, "pack", "load", "zhejiang")
    assert (said.returncode, said.stderr) == (0, "")
    assert await fresh_pool.fetchval("SELECT count(*) FROM text_form") == 4
    assert await fresh_pool.fetchval("SELECT count(*) FROM audit_event WHERE event = 'pack.loaded'") == 1


async def test_flows_of_a_pack_are_in_force_and_change_with_its_versions(fresh_pool: Pool) -> None:
    for version, posts in (("1", '"finance", "head"'), ("2", '"finance", "head"'), ("3", '"head"')):
        files = a_pack(flows_toml=a_flow(posts=posts))
        files["pack.toml"] = files["pack.toml"].replace(b'"1"', f'"{version}"'.encode())
        async with fresh_pool.acquire() as conn, conn.transaction():
            assert await records.load(conn, sound(files), NOON)
        row, steps = await engine.flow_of(fresh_pool, Kind.PLAN, "320100")
        assert row is not None
        assert (row["version"], len(steps[0].posts)) == ((1, 2) if version < "3" else (2, 1))
