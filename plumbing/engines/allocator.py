"""The allocator 内存分配器 of the embedded Valkey: mimalloc, of a wheel.

Valkey's own builds come with one of that kind; the wheel's uses the C library's, which spends a quarter of a bid's CPU
on the small strings of the functions (docs/performance.md). A Valkey elsewhere has its own.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from plumbing.engines.places import Places

WHEEL, LIBRARY = "cmeel-mimalloc", "libmimalloc.so"
TRIAL_S = 10.0


def find(places: Places) -> Path | None:
    """The library, where the engines' user may read it; None when it is not installed."""
    try:
        wheel = metadata.distribution(WHEEL)
    except metadata.PackageNotFoundError:
        return None
    found = (Path(str(file.locate())).resolve() for file in wheel.files or [] if file.name == LIBRARY)
    library = next((path for path in found if path.exists()), None)
    if library is None:
        return None
    return places.runnable(library, library.parent.parent, [library.parent.name], f"mimalloc-{wheel.version}")


async def environment(program: Path, places: Places) -> dict[str, str] | None:
    """The environment that runs ``program`` on the allocator; None, that of this process, where that does not work."""
    library = find(places)
    if library is None:
        return None
    given = {**os.environ, "LD_PRELOAD": ":".join(filter(None, (os.environ.get("LD_PRELOAD"), str(library))))}
    return given if await _works(program, given) else None


async def _works(program: Path, given: dict[str, str]) -> bool:
    """Whether the program starts so: the library needs another that a bare system may lack."""
    trial = await asyncio.create_subprocess_exec(
        program, "--version", env=given,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(TRIAL_S):
            _, complaints = await trial.communicate()
    except TimeoutError:
        with suppress(ProcessLookupError):
            trial.kill()
        return False
    return trial.returncode == 0 and not complaints  # a library that is left out is named there
