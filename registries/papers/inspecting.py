"""Whether a paper is taken: by its content, looked at in a process of its own (``look``) that may break."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

from plumbing import logs
from registries.papers.model import PAGES_MAX, PIXELS_MAX, SIDE_MIN_PX, Kind, Seen, Wrong, kind_of

WITHIN_S = 20.0
LOOK = Path(__file__).with_name("look.py")
_ONE_AT_A_TIME = asyncio.Semaphore(1)

log = logs.get(__name__)


class _Told(msgspec.Struct):
    wrong: str = ""
    width: int = 0
    height: int = 0
    pages: int = 1
    edited_with: str = ""


async def inspect(raw: bytes) -> tuple[Kind, Seen] | Wrong:
    """The kind of a paper and what was seen in it, or why it is not taken."""
    kind = kind_of(raw)
    if kind is None:
        return Wrong.KIND
    async with _ONE_AT_A_TIME:
        told = await _look(kind, raw)
    if told is None or told.wrong:
        return Wrong(told.wrong) if told else Wrong.BROKEN
    return kind, Seen(told.width, told.height, told.pages, told.edited_with)


async def _look(kind: Kind, raw: bytes) -> _Told | None:
    """What the other process says; None when it broke, or took too long."""
    command = [sys.executable, "-I", str(LOOK), kind, str(SIDE_MIN_PX), str(PIXELS_MAX), str(PAGES_MAX)]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL)
    try:
        async with asyncio.timeout(WITHIN_S):
            answer, _ = await process.communicate(raw)
        return msgspec.json.decode(answer, type=_Told)
    except (TimeoutError, msgspec.MsgspecError):
        log.warning("paper.broke", kind=kind, bytes=len(raw), code=process.returncode)
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
