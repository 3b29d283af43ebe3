"""A real identity provider for tests, of a package that is not ours (oidc-provider-mock), as a process of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx

from tests.support import eventually, free_port


@asynccontextmanager
async def a_provider(**names: str) -> AsyncIterator[str]:
    """Its issuer. It knows ``names``: subject and name of each person."""
    port = free_port()
    users = [part for sub, name in names.items() for part in ("--user-claims", json.dumps({"sub": sub, "name": name}))]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce", "true", *users,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    issuer = f"http://127.0.0.1:{port}"

    async def up() -> bool:
        async with httpx.AsyncClient(trust_env=False) as client:
            with suppress(httpx.HTTPError):
                return (await client.get(issuer + "/.well-known/openid-configuration")).status_code == 200
        return False

    try:
        await eventually(up, within_s=30, every_s=0.1)
        yield issuer
    finally:
        process.kill()
        await process.wait()
