"""Lines of the log: JSON, one a line, with the request, the lot and the user they belong to."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from plumbing import logs


@pytest.fixture
def lines() -> Iterator[Any]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.JsonLines())
    logger = logging.getLogger("tests.logs")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logger.removeHandler(handler)


def test_a_line_carries_its_event_its_fields_and_what_it_is_about(lines: Any) -> None:
    log = logs.get("tests.logs")
    with logs.about(lot="L7", user="li"):
        log.info("bid.taken", price_fen=42_860_000, words='带"引号"\n换行')
    log.info("after")
    first, after = lines()
    assert (first["event"], first["lot"], first["user"], first["price_fen"]) == ("bid.taken", "L7", "li", 42_860_000)
    assert first["words"] == '带"引号"\n换行'
    assert first["level"] == "info"
    assert "lot" not in after


def test_an_error_carries_its_traceback_on_the_same_line(lines: Any) -> None:
    try:
        raise ValueError("no")
    except ValueError:
        logs.get("tests.logs").error("broken", exc_info=True)
    (line,) = lines()
    assert "ValueError: no" in line["traceback"]


async def test_tasks_do_not_write_each_others_names(lines: Any) -> None:
    async def one(lot: str) -> None:
        with logs.about(lot=lot):
            await asyncio.sleep(0)
            logs.get("tests.logs").info("seen", expected=lot)

    await asyncio.gather(*(one(f"L{n}") for n in range(20)))
    assert all(line["lot"] == line["expected"] for line in lines())
