"""What every test may use: waiting without sleeping, free ports, and the repository's folders."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
SECRET = "0123456789abcdef" * 2
"""The site's secret in every test: what one of them sealed in the shared database, another reads."""
T = TypeVar("T")


async def eventually(
    what: Callable[[], T | Awaitable[T]], *, within_s: float = 5.0, every_s: float = 0.01, why: str = ""
) -> T:
    """Ask ``what`` again and again until it answers something true; that answer. Fails after ``within_s``.

    An ``AssertionError`` raised by ``what`` counts as not yet, and is shown when time is up.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + within_s
    last: object = None
    while True:
        try:
            found = what()
            last = await found if isinstance(found, Awaitable) else found
            if last:
                return last  # type: ignore[return-value]
        except AssertionError as error:
            last = error
        if loop.time() >= end:
            raise AssertionError(f"{why or what} not within {within_s} s; last: {last!r}")
        await asyncio.sleep(every_s)


def free_port() -> int:
    """A TCP port of the loopback that was free a moment ago."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHINESE_FONTS = ("/usr/share/fonts", "/usr/local/share/fonts", str(Path.home() / ".fonts"))


def chromium_or_why_not() -> tuple[str, str]:
    """The browser for browser tests and no reason, or no browser and what to install."""
    program = next((found for name in CHROMIUMS if (found := shutil.which(name))), "")
    fonts = (path.name.lower() for top in CHINESE_FONTS for path in Path(top).rglob("*.[ot]t[cf]"))
    font = any(re.search(r"cjk|wqy|hei|song|han|noto.*sc", name) for name in fonts)
    lacking = [name for name, there in (("chromium", program), ("fonts-noto-cjk", font)) if not there]
    if find_spec("playwright") is None:
        lacking.append("playwright (./dev test installs it once Chromium is there)")
    return (program, "") if not lacking else ("", "browser tests need: apt-get install " + " ".join(lacking))
