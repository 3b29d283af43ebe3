"""证照附件: pictures of certificates are looked at before they are kept; what looks forged is told to the reviewer."""

from __future__ import annotations

import io
from typing import Any
from uuid import uuid4

import httpx
import pytest
from PIL import Image, PngImagePlugin
from pypdf import PdfWriter

from accounts.model import Actor, Role
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from registries.joining import pages as joining
from registries.papers import inspecting
from registries.papers.model import Wrong
from registries.suppliers import doors
from tests.accounts.admin.people import at, opened
from tests.registries.firms import a_browser, a_dossier, a_form, a_reviewer, registered, waiting
from tests.site import WithState, a_site


@pytest.fixture
def app(pool: Pool, valkey_client: Valkey, clock: Clock) -> WithState:
    return a_site(pool, valkey_client, clock, [*joining.ROUTES, *doors.ROUTES])


def a_picture(form: str = "PNG", side: int = 400, software: str = "") -> bytes:
    """A picture of its own colour."""
    out, mark = io.BytesIO(), uuid4().int
    image = Image.new("RGB", (side, side), (mark % 256, mark // 256 % 256, mark // 65_536 % 256))
    image.putpixel((0, 0), (mark >> 24 & 255, mark >> 32 & 255, mark >> 40 & 255))
    more: dict[str, Any] = {}
    if software and form == "PNG":
        more["pnginfo"] = PngImagePlugin.PngInfo()
        more["pnginfo"].add_text("Software", software)
    elif software:
        more["exif"] = Image.Exif()
        more["exif"][0x0131] = software
    image.save(out, form, **more)
    return out.getvalue()


def a_pdf(pages: int = 1, script: bool = False, password: str = "", producer: str = "") -> bytes:
    out, writer = io.BytesIO(), PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(200, 200)
    if script:
        writer.add_attachment("a.exe", b"MZ")
    if producer:
        writer.add_metadata({"/Creator": producer})
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("raw", "kind", "edited"),
    [
        (a_picture(), "png", ""), (a_picture("JPEG"), "jpeg", ""), (a_pdf(20), "pdf", ""),
        (a_picture(software="Adobe Photoshop 26"), "png", "Photoshop"),
        (a_picture("JPEG", software="MeituXiuXiu"), "jpeg", "Meitu"),
        (a_picture(software="美图秀秀"), "png", "美图"), (a_pdf(producer="GIMP 3"), "pdf", "GIMP"),
    ],
)  # fmt: skip
async def test_a_paper_is_known_by_its_content_and_who_made_it(raw: bytes, kind: str, edited: str) -> None:
    found = await inspecting.inspect(raw)
    assert not isinstance(found, Wrong), found
    assert (found[0], found[1].edited_with) == (kind, edited)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"MZ\x90\x00", "kind"), (b"<svg onload=alert(1)>", "kind"), (b"GIF89a" + b"\0" * 40, "kind"), (b"", "kind"),
        (a_picture()[:200], "broken"), (a_picture("JPEG")[:100], "broken"), (b"%PDF-1.7 nothing", "broken"),
        (a_picture(side=199), "small"), (a_pdf(21), "pages"), (a_pdf(script=True), "active"),
        (a_pdf(password="x"), "locked"), (b"\x89PNG\r\n\x1a\n" + b"\xff" * 1_000, "broken"),
    ],
)  # fmt: skip
async def test_what_is_no_sound_paper_is_refused(raw: bytes, why: str) -> None:
    assert await inspecting.inspect(raw) == why


async def test_a_picture_that_unpacks_to_a_thousand_times_its_size_is_refused_quickly() -> None:
    out = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(out, "PNG", optimize=True)
    assert len(out.getvalue()) < 100_000
    assert await inspecting.inspect(out.getvalue()) == "large"


async def handed_in(browser: httpx.AsyncClient, raw: bytes, name: str = "执照.png") -> httpx.Response:
    return await browser.post("/api/papers", params={"name": name}, content=raw)


async def a_firm(app: WithState, pool: Pool, *pictures: bytes, **changed: str) -> tuple[Actor, list[str]]:
    """A firm that filed its dossier with these pictures, one a certificate."""
    form = a_form()
    actor = await registered(app, pool, form)
    async with at(app, pool, actor) as own:
        ids = [(await handed_in(own, raw)).json()["id"] for raw in pictures]
        rows = {}
        for n, ident in enumerate(ids, 1):
            rows |= {f"paper-{n}-kind": "许可证", f"paper-{n}-number": uuid4().hex, f"paper-{n}-file": ident}
        answer = await own.post("/suppliers/own", data=a_dossier(form, **(rows | changed)))
        assert answer.status_code == 303, answer.text
    return actor, ids


async def test_a_picture_is_seen_by_its_firm_and_the_reviewer_of_its_home_alone(app: WithState, pool: Pool) -> None:
    raw = a_picture()
    actor, [ident] = await a_firm(app, pool, raw)
    async with at(app, pool, actor) as own:
        answer = await own.get(f"/papers/{ident}")
        assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, raw, "image/png")
        assert "sandbox" in answer.headers["content-security-policy"]
        assert "执照.png" in (await own.get("/suppliers/own")).text
    other, _ = await a_firm(app, pool)
    buyer = await opened(pool, Role.BUYER, "buyer", "330106")
    for stranger in (other, buyer, await a_reviewer(pool, "3302")):
        async with at(app, pool, stranger) as browser:
            assert (await browser.get(f"/papers/{ident}")).status_code == 404
    async with a_browser(app) as nobody:
        assert (await nobody.get(f"/papers/{ident}", headers={"Accept": "application/json"})).status_code == 401
    async with at(app, pool, await a_reviewer(pool)) as reviewer:
        assert (await reviewer.get(f"/papers/{ident}")).status_code == 200
        page = (await reviewer.get(f"/suppliers/filings/{await waiting(pool, actor.org_id)}")).text
        assert f'src="/papers/{ident}"' in page


async def test_a_paper_that_is_too_large_or_no_picture_is_refused_in_words(app: WithState, pool: Pool) -> None:
    actor = await registered(app, pool, a_form())
    async with at(app, pool, actor) as own:
        for raw, status, code in (
            (b"\x89PNG\r\n\x1a\n" + b"0" * (5 << 20), 413, "paper_too_large"),
            (b"MZ", 422, "paper_kind"),
            (a_pdf(script=True), 422, "paper_active"),
        ):
            answer = await handed_in(own, raw)
            assert (answer.status_code, answer.json()["code"]) == (status, code)
            assert answer.json()["zh"]
    assert await pool.fetchval("SELECT count(*) FROM paper WHERE org_id = $1", actor.org_id) == 0


async def test_another_firms_paper_cannot_be_filed(app: WithState, pool: Pool) -> None:
    _, [theirs] = await a_firm(app, pool, a_picture())
    form = a_form()
    actor = await registered(app, pool, form)
    async with at(app, pool, actor) as own:
        for file in (theirs, str(uuid4()), "no id"):
            rows = {"paper-1-kind": "许可证", "paper-1-number": "1", "paper-1-file": file}
            assert (await own.post("/suppliers/own", data=a_dossier(form, **rows))).status_code == 422


async def doubts(app: WithState, pool: Pool, actor: Actor) -> list[str]:
    """What the reviewer is told of a filing; he approves it only after he looked."""
    filing = await waiting(pool, actor.org_id)
    async with at(app, pool, await a_reviewer(pool)) as reviewer:
        page = (await reviewer.get(f"/suppliers/filings/{filing}")).text
        words = [part.partition('"')[0] for part in page.split('data-doubt="')[1:]]
        answer = await reviewer.post(f"/suppliers/filings/{filing}", data={"decision": "approve"})
        assert answer.status_code == (409 if words else 303)
        if words:
            told = {"decision": "approve", "proven": "1"}
            assert (await reviewer.post(f"/suppliers/filings/{filing}", data=told)).status_code == 303
    return words


async def test_what_looks_forged_is_told_to_the_reviewer(app: WithState, pool: Pool) -> None:
    picture, number = a_picture(), uuid4().hex
    first, _ = await a_firm(app, pool, picture, **{"paper-1-number": number})
    assert await doubts(app, pool, first) == []
    copied, _ = await a_firm(app, pool, picture)
    assert await doubts(app, pool, copied) == ["paper.doubt.same_picture"]
    numbered, _ = await a_firm(app, pool, a_picture(), **{"paper-1-number": number})
    assert await doubts(app, pool, numbered) == ["paper.doubt.same_number"]
    painted, _ = await a_firm(app, pool, a_picture(software="GIMP 3.0"))
    assert await doubts(app, pool, painted) == ["paper.doubt.edited"]
    licence, _ = await a_firm(app, pool, a_picture(), **{"paper-1-kind": "营业执照", "paper-1-number": "X1"})
    assert await doubts(app, pool, licence) == ["paper.doubt.licence_number"]


async def test_what_was_never_filed_is_forgotten_after_a_day(app: WithState, pool: Pool) -> None:
    actor, [kept] = await a_firm(app, pool, a_picture())
    async with at(app, pool, actor) as own:
        loose = (await handed_in(own, a_picture())).json()["id"]
        await pool.execute("UPDATE paper SET filed_at = now() - interval '25 hours' WHERE org_id = $1", actor.org_id)
        await handed_in(own, a_picture())
        assert (await own.get(f"/papers/{loose}")).status_code == 404
        assert (await own.get(f"/papers/{kept}")).status_code == 200
