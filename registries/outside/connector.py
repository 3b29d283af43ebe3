"""连接器: one interface to every outside register, and the gateway 数据共享网关 that reaches them over HTTP.

The gateway answers ``GET {url}/{register}/{code}`` with the extract as JSON (``model``), 404 for a firm it does not
know.
docs/outside-registers.md has the contract.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import msgspec

from plumbing import logs
from registries.outside.model import SHAPES, Answer, Extract, Outcome, Register

TIMEOUT_S = 4.0
ANSWER_BYTES_MAX = 64 * 1024

log = logs.get(__name__)


class Silent(Exception):
    """No answer that can be read; the text is a short word for the log."""


class Connector(Protocol):
    """Whatever can be asked. ``ask`` gives None where the register knows no such firm, and raises ``Silent``."""

    async def ask(self, register: Register, code: str) -> Extract | None:
        """What ``register`` says of the firm with this credit code."""


def read(register: Register, raw: bytes) -> Extract:
    """An extract out of its JSON. Raises ``Silent`` for what is none: nothing half-read is believed."""
    try:
        found: Extract = msgspec.json.decode(raw, type=SHAPES[register])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise Silent("shape") from None
    return found


class Gateway:
    """The data-sharing gateway of a province 省公共数据平台."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._headers = url.rstrip("/"), {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    async def ask(self, register: Register, code: str) -> Extract | None:
        """Ask over HTTP. Raises ``Silent`` for time-outs, other answers than 200 and 404, and what cannot be read."""
        import httpx

        try:
            async with asyncio.timeout(TIMEOUT_S), httpx.AsyncClient(trust_env=False, timeout=TIMEOUT_S) as client:
                answer = await client.get(f"{self._url}/{register}/{code}", headers=self._headers)
        except (httpx.HTTPError, TimeoutError) as error:
            raise Silent(type(error).__name__) from error
        if answer.status_code == 404:
            return None
        if answer.status_code != 200 or len(answer.content) > ANSWER_BYTES_MAX:
            raise Silent(str(answer.status_code))
        return read(register, answer.content)


async def _one(connector: Connector, register: Register, code: str, now_ms: int) -> Answer:
    try:
        extract = await connector.ask(register, code)
    except Silent as why:
        log.warning("outside.silent", register=register, why=str(why))
        return Answer(register, Outcome.SILENT, None, now_ms, now_ms)
    return Answer(register, Outcome.FOUND if extract else Outcome.UNKNOWN, extract, now_ms, now_ms)


async def ask(connector: Connector, code: str, now_ms: int, registers: tuple[Register, ...]) -> list[Answer]:
    """Ask several registers at once; each answers, knows nothing, or is silent. Raises nothing."""
    return list(await asyncio.gather(*(_one(connector, each, code, now_ms) for each in registers)))
