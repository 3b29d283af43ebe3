"""The whole product as processes, for tests: started by its command line, its parts found by their command lines."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx

from plumbing.engines.process import command_line, name_of
from tests.support import ROOT, eventually, free_port


class Product:
    """A running product and what it printed."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process, self.url, self.said = process, f"http://127.0.0.1:{port}", b""

    async def read(self) -> None:
        """Collect what it prints."""
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            self.said += line

    def children(self, mark: str) -> list[int]:
        """Ids of its processes whose command line, or name, has ``mark``; engines included."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[1]
                    told = f"{command_line(int(entry.name))} {name_of(int(entry.name))}"
                    if int(parent) == self.process.pid and mark in told:
                        found.append(int(entry.name))
        return sorted(found)

    async def healthy(self) -> bool:
        """Whether it answers that all is well."""
        async with httpx.AsyncClient(trust_env=False) as client:
            with suppress(httpx.HTTPError):
                return (await client.get(self.url + "/healthz")).status_code == 200
        return False


async def start(*arguments: str, **environ: str) -> asyncio.subprocess.Process:
    """The command line with ``arguments``, and only the settings in ``environ``."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("YANGCAI_")}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "yangcai", *arguments, cwd=ROOT, env={**clean, **environ, "PYTHONUNBUFFERED": "1"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip


@asynccontextmanager
async def running(*arguments: str, port: int = 0, **environ: str) -> AsyncIterator[Product]:
    """``yangcai`` with ``arguments`` on ``port`` (0: a free one), stopped at the end."""
    port = port or free_port()
    product = Product(await start(*arguments, "--port", str(port), **environ), port)
    reading = asyncio.create_task(product.read())
    try:
        await eventually(lambda: f":{port}".encode() in product.said or product.process.returncode, within_s=30)
        assert product.process.returncode is None, product.said.decode()
        yield product
    finally:
        if product.process.returncode is None:
            product.process.terminate()
        await product.process.wait()
        await reading
