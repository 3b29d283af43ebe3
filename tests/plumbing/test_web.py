"""The glue of the doors: what is taken, what is refused and how; where requests may come from."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
import pytest_asyncio
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from accounts.model import Role
from plumbing import openapi, web
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.problems import Problem
from plumbing.security import Origins
from plumbing.valkey import Valkey
from tests.site import ORIGIN, WithState, a_client, a_person, a_site, log_in


class Thing(msgspec.Struct, forbid_unknown_fields=True):
    """A thing."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=10)]
    price_fen: Annotated[int, msgspec.Meta(ge=1)]


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """A question."""

    page: Annotated[int, msgspec.Meta(ge=1)] = 1
    tags: list[str] = []


class Answer(msgspec.Struct):
    """An answer."""

    id: UUID
    page: int
    tags: list[str]


@web.op("POST", "/api/test/things", tag="test", summary=("放", "Put"), status=201, act=None)
async def put_thing(request: Request, body: Thing) -> Thing:
    return body


@web.op("GET", "/api/test/things/{thing_id:uuid}", tag="test", summary=("取", "Get"), act=None)
async def get_thing(request: Request, thing_id: UUID, query: Wanted) -> Answer:
    return Answer(thing_id, query.page, query.tags)


@web.op(
    "DELETE", "/api/test/things/{thing_id:uuid}", tag="test", summary=("删", "Drop"), act="motion.decide", status=204
)
async def drop_thing(request: Request, thing_id: UUID) -> None:
    return None


@web.op("POST", "/api/test/refuse", tag="test", summary=("拒", "Refuse"), errors=(409,), act=None)
async def refuse(request: Request) -> Thing:
    raise Problem(409, "too_many", seconds=5, accept={"max_fen": 42_860_000})


@web.op("POST", "/api/test/break", tag="test", summary=("坏", "Break"), act=None)
async def break_down(request: Request) -> Thing:
    raise ZeroDivisionError


@web.page("GET", "/test/secret", act="platform.watch")
async def secret(request: Request) -> Response:
    return PlainTextResponse("secret")


@web.page("POST", "/test/form", act=None)
async def form(request: Request) -> Response:
    return PlainTextResponse((await web.read_form(request)).get("name", "-"))


ROUTES = web.collect(globals())
PUT = "/api/test/things"


@pytest_asyncio.fixture
async def app(pool: Pool, valkey_client: Valkey, clock: Clock) -> WithState:
    return a_site(pool, valkey_client, clock, ROUTES)


@pytest_asyncio.fixture
async def client(app: WithState) -> Any:
    async with a_client(app) as client:
        yield client


def code(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["zh"]
    assert body["en"]
    assert body["request_id"] == answer.headers["x-request-id"]
    return answer.status_code, body["code"]


async def test_a_body_of_the_right_shape_is_taken(client: httpx.AsyncClient) -> None:
    answer = await client.post(PUT, json={"name": "灯", "price_fen": 100})
    assert (answer.status_code, answer.json()) == (201, {"name": "灯", "price_fen": 100})


@pytest.mark.parametrize(
    ("raw", "content_type", "status", "why"),
    [
        (b"{", "application/json", 400, "bad_json"),
        (b"", "application/json", 400, "bad_json"),
        (b"\xff\xfe", "application/json", 400, "bad_json"),
        (b"[" * 100_000, "application/json", 422, "wrong_shape"),
        (b'{"name":"a","price_fen":1,"x":1}', "application/json", 422, "wrong_shape"),
        (b'{"name":"a"}', "application/json", 422, "wrong_shape"),
        (b'{"name":"a","price_fen":"1"}', "application/json", 422, "wrong_shape"),
        (b'{"name":"a","price_fen":1.0}', "application/json", 422, "wrong_shape"),
        (b'{"name":"a","price_fen":NaN}', "application/json", 400, "bad_json"),
        (b'{"name":"a","price_fen":0}', "application/json", 422, "wrong_shape"),
        (b'{"name":"","price_fen":1}', "application/json; charset=utf-8", 422, "wrong_shape"),
        (b"[]", "application/json", 422, "wrong_shape"),
        (b'{"name":"a","price_fen":1}', "text/plain", 415, "wrong_content_type"),
        (b'{"name":"a","price_fen":1}', "", 415, "wrong_content_type"),
        (b'{"name":"a","price_fen":1}', "application/json; charset=gbk", 415, "wrong_content_type"),
    ],
)
async def test_any_other_body_is_refused_with_a_reason(
    client: httpx.AsyncClient, raw: bytes, content_type: str, status: int, why: str
) -> None:
    answer = await client.post(PUT, content=raw, headers={"content-type": content_type})
    assert code(answer) == (status, why)


async def test_a_huge_body_is_refused_whether_or_not_it_says_its_length(client: httpx.AsyncClient) -> None:
    huge = b'{"name":"' + b"a" * (web.BODY_BYTES_MAX + 1) + b'"}'
    headers = {"content-type": "application/json"}
    assert code(await client.post(PUT, content=huge, headers=headers)) == (413, "body_too_large")

    async def in_pieces() -> Any:
        for start in range(0, len(huge), 65536):
            yield huge[start : start + 65536]

    assert code(await client.post(PUT, content=in_pieces(), headers=headers)) == (413, "body_too_large")


async def test_the_query_string_is_read_by_its_types(client: httpx.AsyncClient) -> None:
    thing = uuid4()
    answer = await client.get(f"{PUT}/{thing}?page=2&tags=a&tags=b")
    assert answer.json() == {"id": str(thing), "page": 2, "tags": ["a", "b"]}
    for query in ("page=0", "page=x", "page=1&page=2", "other=1"):
        assert code(await client.get(f"{PUT}/{thing}?{query}")) == (422, "wrong_shape")
    assert code(await client.get(f"{PUT}/{thing}?page=%00")) == (400, "bad_form")
    assert code(await client.get(f"{PUT}/{thing}?tags=%ff")) == (400, "bad_form")


async def test_an_unknown_path_and_a_wrong_method_are_problems_too(client: httpx.AsyncClient) -> None:
    assert code(await client.get("/api/nothing/here")) == (404, "not_found")
    assert code(await client.get(f"{PUT}/not-a-uuid")) == (404, "not_found")
    answer = await client.put(f"{PUT}/{uuid4()}", json={})
    assert code(answer) == (405, "method_not_allowed")
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "DELETE"}


async def test_a_door_with_an_act_asks_for_login_then_for_the_act(client: httpx.AsyncClient, pool: Pool) -> None:
    path = f"{PUT}/{uuid4()}"
    assert code(await client.delete(path)) == (401, "login_needed")
    await log_in(client, (await a_person(pool, Role.BUYER)).login)
    assert code(await client.delete(path)) == (403, "forbidden")
    await log_in(client, (await a_person(pool, Role.HEAD)).login)
    assert (await client.delete(path)).status_code == 204


async def test_a_refusal_says_what_would_be_accepted_in_both_languages(client: httpx.AsyncClient) -> None:
    body = (await client.post("/api/test/refuse")).json()
    assert body["accept"] == {"max_fen": 42_860_000}
    assert "5 秒" in body["zh"]
    assert "5 seconds" in body["en"]
    assert body["detail"] == body["zh"]
    client.cookies.set("lang", "en")
    body = (await client.post("/api/test/refuse")).json()
    assert body["detail"] == body["en"]


async def test_a_bug_is_answered_without_telling_its_inside(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/test/break")
    assert code(answer) == (500, "internal")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "ZeroDivision" not in answer.text


async def test_a_person_is_led_to_the_login_page_and_a_program_gets_a_problem(client: httpx.AsyncClient) -> None:
    answer = await client.get("/test/secret?a=1", headers={"accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Ftest%2Fsecret%3Fa%3D1")
    assert code(await client.get("/test/secret")) == (401, "login_needed")


@pytest.mark.parametrize(("path", "status", "words"), [("/nope", 404, "没有找到"), ("/test/form", 405, "不支持此操作")])
async def test_a_person_gets_a_page_that_says_what_to_do(
    client: httpx.AsyncClient, path: str, status: int, words: str
) -> None:
    answer = await client.get(path, headers={"accept": "text/html"})
    assert answer.status_code == status
    assert words in answer.text
    assert "返回列表" in answer.text


async def test_a_form_is_read_and_anything_else_is_not(client: httpx.AsyncClient) -> None:
    assert (await client.post("/test/form", data={"name": " 灯 "})).text == "灯"
    assert code(await client.post("/test/form", json={"name": "a"})) == (415, "wrong_content_type")


async def test_every_answer_carries_strict_headers(client: httpx.AsyncClient) -> None:
    for path in ("/login", "/api/nothing", "/static/css/base.css", "/nope"):
        headers = (await client.get(path)).headers
        policy = headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "object-src 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"


async def test_a_request_id_of_a_proxy_is_kept_and_a_strange_one_is_not(client: httpx.AsyncClient) -> None:
    for given, kept in (("abcd-1234.X", True), ("<script>", False), ("x" * 99, False)):
        answer = await client.get("/login", headers={"x-request-id": given})
        assert (answer.headers["x-request-id"] == given) is kept


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site", "origin": ORIGIN}, False),
        ({"origin": ORIGIN}, True),
        ({"origin": "http://evil.example"}, False),
        ({"origin": ORIGIN + ":8080"}, False),
        ({"origin": "null"}, False),
    ],
)
async def test_a_writing_request_of_a_foreign_page_is_refused(
    client: httpx.AsyncClient, headers: dict[str, str], passes: bool
) -> None:
    answer = await client.post(PUT, json={"name": "a", "price_fen": 1}, headers=headers)
    assert answer.status_code == 201 if passes else code(answer) == (403, "foreign_origin")
    assert (await client.get("/login", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("public", "origin", "opens"),
    [
        ("", None, True),
        ("", "http://here:8000", True),
        ("", "http://there:8000", False),
        ("", "http://here:8001", False),
        ("", "null", False),
        ("https://here:8000", "https://here:8000", True),
        ("https://here:8000", "http://here:8000", False),
        ("https://yangcai.example", "https://yangcai.example", True),
    ],
)
def test_a_socket_opens_only_for_our_own_pages(public: str, origin: str | None, opens: bool) -> None:
    headers = Headers({"host": "here:8000"} | ({"origin": origin} if origin else {}))
    assert Origins(public).may_connect(headers) is opens


@pytest.mark.parametrize(
    "path", ["", None, "https://evil.example", "//evil.example", "/\\evil.example", "javascript:1", "/a\r\nb"]
)
def test_nobody_is_sent_on_to_another_site(path: str | None) -> None:
    assert web.local_path(path, "/home") == "/home"
    assert web.local_path("/auctions?page=2") == "/auctions?page=2"


def test_the_document_is_sound_and_says_what_each_door_takes_and_refuses() -> None:
    document = openapi.build(ROUTES, title="t", version="1")
    OpenAPIV31SpecValidator(document).validate()
    put = document["paths"]["/api/test/things"]["post"]
    assert set(put["responses"]) == {"201", "400", "403", "413", "415", "422"}
    get = document["paths"]["/api/test/things/{thing_id}"]["get"]
    assert [(one["name"], one["in"]) for one in get["parameters"]] == [
        ("thing_id", "path"),
        ("page", "query"),
        ("tags", "query"),
    ]
    drop = document["paths"]["/api/test/things/{thing_id}"]["delete"]
    assert drop["x-act"] == "motion.decide"
    assert {"401", "403", "404"} <= set(drop["responses"])


def test_a_parameter_that_is_not_in_the_path_is_found_at_once() -> None:
    async def wrong(request: Request, other: UUID) -> None: ...

    with pytest.raises(TypeError, match="other"):
        web.op("GET", "/api/test/x", tag="t", summary=("a", "a"), act=None)(wrong)
