"""``./dev screenshots [FOLDER [NAME ...]]``: walk the demonstration in headless Chromium and keep the pictures."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
from playwright.async_api import Browser, async_playwright

from plumbing.engines import Places, PostgresEngine
from server.demo.people import PASSWORD
from tests.support import ROOT, chromium_or_why_not, eventually, free_port

WIDTHS = {"phone": (390, 844), "desktop": (1440, 900)}
RUNNING = "SELECT l.id FROM lot l WHERE l.stage = 'running' AND NOT l.practice ORDER BY l.id LIMIT 1"
DONE = "SELECT l.id FROM lot l WHERE l.stage = 'published' AND NOT l.practice ORDER BY l.id LIMIT 1"
OPEN = "SELECT l.auction_id FROM lot l WHERE l.stage = 'signup' AND NOT l.practice ORDER BY l.opens_at DESC LIMIT 1"
INDICATOR = "SELECT indicator_id FROM budget_hold_source LIMIT 1"
PLAN = "SELECT id FROM plan WHERE state = 'filed' LIMIT 1"


class Shot(NamedTuple):
    """One picture: its name, who looks, the address (``{}``: what the query finds), and what must be there first."""

    name: str
    login: str
    path: str
    query: str = ""
    ready: str = "main"


SHOTS = (
    Shot("login", "", "/login"),
    Shot("list", "", "/auctions"),
    Shot("list-buyer", "buyer", "/auctions"),
    Shot("room", "supplier1", "/lots/{}/room", RUNNING, "[data-clock]"),
    Shot("watch", "buyer", "/lots/{}/watch", RUNNING, "canvas"),
    Shot("board", "supervisor", "/board"),
    Shot("wizard", "buyer", "/auctions/new"),
    Shot("case", "supplier1", "/auctions/{}", OPEN),
    Shot("result", "", "/lots/{}/result", DONE),
    Shot("verify", "", "/verify"),
    Shot("audit", "auditor", "/audit"),
    Shot("admin", "admin", "/admin"),
    Shot("roles", "admin", "/admin/roles"),
    Shot("budget", "buyer", "/budget"),
    Shot("indicator", "supervisor", "/budget/{}", INDICATOR),
    Shot("plan-form", "buyer", "/plans/new"),
    Shot("plan", "head", "/plans/{}", PLAN),
    Shot("standards", "operator", "/standards"),
    Shot("categories", "operator", "/standards/categories"),
    Shot("preflight", "supplier1", "/preflight"),
)


async def logged_in(browser: Browser, origin: str, login: str, width: str) -> Any:
    """A fresh page of ``login`` at ``width``."""
    across, down = WIDTHS[width]
    context = await browser.new_context(
        viewport={"width": across, "height": down}, locale="zh-CN", timezone_id="Asia/Shanghai", device_scale_factor=1
    )
    page = await context.new_page()
    if login:
        answer = await context.request.post(
            f"{origin}/api/session", data={"login": login, "password": PASSWORD}, headers={"Origin": origin}
        )
        assert answer.ok, await answer.text()
    return page


async def take(browser: Browser, origin: str, conn: asyncpg.Connection[Any], shot: Shot, width: str, to: Path) -> str:
    """Take one picture; what the page complained of, empty when it was quiet."""
    where = shot.path
    if shot.query:
        found = await eventually(lambda: conn.fetchval(shot.query), within_s=60, why=f"{shot.name}: {shot.query}")
        where = where.format(found)
    page = await logged_in(browser, origin, shot.login, width)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    answer = await page.goto(origin + where)
    if answer is None or not answer.ok:
        said.append(f"{where}: {answer.status if answer else 'no answer'}")
    await page.wait_for_selector(shot.ready, timeout=10_000)
    await page.wait_for_timeout(1_500)  # let prices move and the chart be drawn: a picture, not a test
    wide = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    if wide:
        said.append(f"{where} scrolls sideways at {width}")
    await page.screenshot(path=to / f"{shot.name}-{width}.png", full_page=shot.name != "room")
    await page.context.close()
    return "; ".join(said)


async def run(to: Path, only: set[str]) -> int:
    """Start, walk, stop; the exit code."""
    program, reason = chromium_or_why_not()
    if reason:
        print(reason, file=sys.stderr)
        return 1
    to.mkdir(parents=True, exist_ok=True)
    bad = 0
    with tempfile.TemporaryDirectory(prefix="yc-", ignore_cleanup_errors=True) as name:
        data, port = Path(name), free_port()
        data.chmod(0o755)
        command = [sys.executable, "-m", "yangcai", "up", "--port", str(port), "--data-dir", str(data)]
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
        try:
            assert process.stdout is not None
            async with asyncio.timeout(60):
                await process.stdout.readline()
            conn = await asyncpg.connect(PostgresEngine(Places(data)).url)
            await eventually(lambda: conn.fetchval("SELECT count(*) > 0 FROM lot WHERE stage = 'running'"), within_s=30)
            await asyncio.sleep(20)  # some prices for the charts
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
                for shot in SHOTS:
                    for width in WIDTHS if not only or shot.name in only else ():
                        try:
                            said = await take(browser, f"http://127.0.0.1:{port}", conn, shot, width, to)
                        except Exception as error:
                            said = f"{type(error).__name__}: {error}"
                        bad += bool(said)
                        print(f"{shot.name}-{width}.png {said or 'ok'}", flush=True)
            await conn.close()
        finally:
            process.terminate()
            await process.wait()
    return 1 if bad else 0


if __name__ == "__main__":
    given = sys.argv[1:]
    folder = Path(given[0]) if given else ROOT / "docs" / "screenshots"
    sys.exit(asyncio.run(run(folder, set(given[1:]))))
