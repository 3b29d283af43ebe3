"""Every door of the JSON API, driven from its own document: no 5xx, and no answer that is not documented."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import httpx
import pytest
import pytest_asyncio
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from accounts import records
from accounts.model import Grant, Role
from plumbing.postgres import Pool
from server import app as server_app
from server.settings import Settings
from tests.site import PASSWORD, Person, a_person
from tests.support import eventually, free_port

FEW = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest_asyncio.fixture(scope="session")
async def everyman(pool: Pool) -> Person:
    """Somebody with every role: behind every door."""
    person = await a_person(pool, Role.BUYER)
    for role in Role:
        await records.add_grant(pool, person.user_id, Grant(role, "33"))
    return person


@pytest_asyncio.fixture(scope="session")
async def address(valkey_url: str, postgres_url: str) -> Any:
    """The whole application in a thread of its own, on the real engines."""
    port = free_port()
    chosen = Settings(port=port, valkey_url=valkey_url, postgres_url=postgres_url, simulate=False)
    config = uvicorn.Config(
        server_app.create(chosen), port=port, log_config=None, ws="none", timeout_graceful_shutdown=2
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    await eventually(lambda: server.started or not thread.is_alive(), within_s=20)
    assert server.started, "the server did not start"
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await asyncio.to_thread(thread.join, 10)


@pytest.fixture(scope="session")
def cookies(address: str, everyman: Person) -> dict[str, str]:
    """The session of everyman."""
    answer = httpx.post(f"{address}/api/session", json={"login": everyman.login, "password": PASSWORD})
    assert answer.status_code == 200
    return dict(answer.cookies)


@pytest.fixture(scope="session")
def api(address: str) -> Any:
    """The document as the server gives it."""
    found = schemathesis.openapi.from_url(f"{address}/api/openapi.json")
    found.config.generation.update(with_security_parameters=False)  # the session is ours to give
    return found


# JSON Schema holds 1.0 for an integer; money is not taken so.
LEFT_OUT = [positive_data_acceptance]


def drive(api: Any, cookies: dict[str, str] | None, *, without: tuple[str, ...] = ()) -> list[str]:
    """Send each operation good and bad requests made from the document; what it answered wrongly, one text each."""
    faults = []
    for found in api.get_all_operations():
        operation = found.ok()
        if operation.definition.raw["operationId"] in without:
            continue

        @FEW
        @given(case=operation.as_strategy() | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
        def ask(case: schemathesis.Case) -> None:
            case.call_and_validate(cookies=cookies, excluded_checks=LEFT_OUT)

        try:
            ask()
        except BaseExceptionGroup as group:
            faults.append(f"{operation.label}: {group!r}")
        except AssertionError as error:
            faults.append(f"{operation.label}: {error}")
    return faults


def test_a_stranger_gets_only_documented_answers(api: Any) -> None:
    assert drive(api, None) == []


def test_somebody_with_every_role_gets_only_documented_answers(api: Any, cookies: dict[str, str]) -> None:
    assert drive(api, cookies, without=("end_session",)) == []


def test_the_document_is_openapi_3_1(address: str) -> None:
    document = httpx.get(f"{address}/api/openapi.json").json()
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"].startswith("3.1")
    for path, methods in document["paths"].items():
        for method, one in methods.items():
            assert " · " in one["summary"], f"{method} {path} has a summary in both languages"


def test_the_viewer_is_served_from_here(address: str) -> None:
    page = httpx.get(f"{address}/api/docs", headers={"accept": "text/html"})
    assert page.status_code == 200
    assert "rapidoc" in page.text
    assert "http://" not in page.text.replace(address, "")
