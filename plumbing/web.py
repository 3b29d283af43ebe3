"""Doors: an operation of the JSON API, or a page, is one function with a decorator.

::

    @op("POST", "/api/auctions/{auction_id:uuid}/submit", tag="auction", summary=("提交", "Submit"), act="case.prepare")
    async def submit(request: Request, auction_id: UUID, body: SubmitBody) -> AuctionOut: ...

    ROUTES = collect(globals())

``body`` is decoded from JSON, ``query`` from the query string, path parameters come by their name. What comes back
is encoded from its type. From the same types ``plumbing.openapi`` writes the document, so the two cannot differ.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from plumbing.problems import Problem
from plumbing.security import allow

Door = Callable[..., Awaitable[Any]]
T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)

BODY_BYTES_MAX = 256 * 1024
QUERY_FIELDS_MAX = 100
NOTE_COOKIE = "note"
FORM_MEDIA = "application/x-www-form-urlencoded"


class Reply(NamedTuple):
    """An answer with its own status or headers. ``status`` must be declared by the operation."""

    value: Any
    status: int
    headers: Mapping[str, str] | None = None


class Operation(Route):
    """One operation of the JSON API: the Starlette route, and all the document needs to know about it."""

    def __init__(self, method: str, path: str, function: Door, **about: Any) -> None:
        hints = typing.get_type_hints(function)
        self.function = function
        self.method = method
        self.tag: str = about["tag"]
        self.summary: tuple[str, str] = about["summary"]
        self.act: str | None = about["act"]
        self.status: int = about["status"]
        self.also: tuple[int, ...] = about["also"]
        self.errors: tuple[int, ...] = about["errors"]
        self.media: str = about["media"]
        self.body_max: int = about["body_max"]
        self.body: Any = hints.get("body")
        self.query: Any = hints.get("query")
        self.result: Any = hints.get("return")
        self.guarded = self.act is not None
        self._decoder = msgspec.json.Decoder(self.body) if self.body is not None else None
        super().__init__(path, self._serve, methods=[method], name=function.__name__)
        named = set(inspect.signature(function).parameters) - {"request", "body", "query"}
        self._named = named & set(self.param_convertors)
        if named - self._named:
            raise TypeError(f"{function.__name__}: {sorted(named - self._named)} is not in the path {path}")

    async def _serve(self, request: Request) -> Response:
        await _guard(request, self.act)
        given = {name: request.path_params[name] for name in self._named}
        if self.query is not None:
            given["query"] = read_query(request, self.query)
        if self._decoder is not None:
            given["body"] = await read_json(request, self._decoder, self.body_max)
        outcome = await self.function(request, **given)
        if isinstance(outcome, Response):
            return outcome
        reply = outcome if isinstance(outcome, Reply) else Reply(outcome, self.status)
        if reply.value is None:
            return Response(status_code=reply.status, headers=reply.headers)
        return Response(msgspec.json.encode(reply.value), reply.status, reply.headers, "application/json")


async def _guard(request: Request, act: str | None) -> None:
    """Ask whoever is behind the request for the act of the door; nobody where it is open to all."""
    if act is not None:
        await request.state.guard(request, act)


def op(
    method: str,
    path: str,
    *,
    tag: str,
    summary: tuple[str, str],
    act: str | None,
    status: int = 200,
    also: tuple[int, ...] = (),
    errors: tuple[int, ...] = (),
    media: str = "application/json",
    body_max: int = BODY_BYTES_MAX,
) -> Callable[[Door], Operation]:
    """Make an operation of the JSON API.

    ``act``: what one must be allowed somewhere to come in; "" is to be logged in, None is open to all.
    ``status`` and ``also`` are its good answers; ``errors`` the refusals of its own (400, 401, 403, 404, 413, 415 and
    422 are declared where they follow from the rest). ``media`` is that of a ``Response`` it makes itself.
    """

    def decorate(function: Door) -> Operation:
        about: dict[str, Any] = {"tag": tag, "summary": summary, "act": act}
        about |= {"status": status, "also": also}
        return Operation(method.upper(), path, function, **about, errors=errors, media=media, body_max=body_max)

    return decorate


class Page(Route):
    """A server-rendered door, and what it asks of whoever comes in."""

    act: str | None


def page(method: str, path: str, *, act: str | None, name: str | None = None) -> Callable[[Door], Page]:
    """Make a server-rendered door: ``async def f(request) -> Response``. ``act`` as in ``op``."""

    def decorate(function: Door) -> Page:
        async def serve(request: Request) -> Response:
            await _guard(request, act)
            return typing.cast(Response, await function(request))

        door = Page(path, serve, methods=[method], name=name or function.__name__)
        door.act = act
        return door

    return decorate


def collect(namespace: Mapping[str, Any]) -> list[BaseRoute]:
    """All operations and pages of a module, in their order there; called with ``globals()``."""
    return [value for value in namespace.values() if isinstance(value, BaseRoute)]


class _OnePath:
    """Several doors on one path: one of them by method; another method is answered 405 with all that is allowed."""

    def __init__(self, doors: Iterable[Route]) -> None:
        self.doors = {method: door for door in doors for method in sorted(door.methods or ())}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        door = self.doors[scope["method"]]
        scope["endpoint"], scope["route"] = door.endpoint, door
        await door.app(scope, receive, send)


def together(routes: Iterable[BaseRoute]) -> list[BaseRoute]:
    """Join routes with one path into one, so that 405 names every method in ``Allow``. Others pass as they are."""
    groups: dict[str, list[Route]] = {}
    result: list[BaseRoute] = []
    for route in routes:
        if isinstance(route, Route):
            groups.setdefault(route.path, []).append(route)
        else:
            result.append(route)
    for path, doors in groups.items():
        if len(doors) == 1:
            result.append(doors[0])
        else:
            joined = _OnePath(doors)
            result.append(Route(path, joined, methods=list(joined.doors), name=doors[0].name))
    return sorted(result, key=_generality)


def _generality(route: BaseRoute) -> int:
    """Fixed paths before paths with parameters: ``/auctions/new`` is not an auction called new."""
    path = getattr(route, "path", "")
    return path.count("{") if isinstance(route, Route) else 100


def _wrong_shape(error: msgspec.ValidationError) -> Problem:
    return Problem(422, "wrong_shape", reason=str(error))


async def read_body(request: Request, most: int = BODY_BYTES_MAX) -> bytes:
    """The body, of at most ``most`` bytes; 413 beyond, whether or not its length was told."""
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told) > most:
        raise Problem(413, "body_too_large")
    allow(request.scope, most)
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > most:
            raise Problem(413, "body_too_large")
        pieces.append(piece)
    return b"".join(pieces)


async def read_json(request: Request, decoder: msgspec.json.Decoder[T], most: int = BODY_BYTES_MAX) -> T:
    """Decode the body. 415 if it does not say it is JSON, 400 if it is not, 422 if it is of another shape."""
    content_type = request.headers.get("content-type", "")
    media, _, parameters = content_type.partition(";")
    charset = parameters.replace(" ", "").replace('"', "").lower()
    if media.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
        raise Problem(415, "wrong_content_type", wanted="application/json", headers={"Accept": "application/json"})
    raw = await read_body(request, most)
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise _wrong_shape(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, "bad_json", reason=str(error)) from None


def _pairs(raw: str, fields_max: int = QUERY_FIELDS_MAX) -> list[tuple[str, str]]:
    try:
        pairs = parse_qsl(raw, keep_blank_values=True, max_num_fields=fields_max, errors="strict")
    except (ValueError, UnicodeDecodeError) as error:
        raise Problem(400, "bad_form", reason=str(error)) from None
    if any("\0" in name or "\0" in value for name, value in pairs):
        raise Problem(400, "bad_form", reason="NUL")
    return pairs


def _convert(pairs: Iterable[tuple[str, str]], to: type[S]) -> S:
    values: dict[str, Any] = {}
    lists = {
        field.encode_name for field in msgspec.structs.fields(to) if typing.get_origin(field.type) in (list, tuple)
    }
    for name, value in pairs:
        if name in lists:
            values.setdefault(name, []).append(value)
        elif name in values:
            raise Problem(422, "wrong_shape", reason=f"{name}: twice")
        else:
            values[name] = value
    try:
        return msgspec.convert(values, to, strict=False)
    except msgspec.ValidationError as error:
        raise _wrong_shape(error) from None


def read_query(request: Request, to: type[S]) -> S:
    """Convert the query string to ``to``: 400 if it cannot be read, 422 if it does not fit."""
    return _convert(_pairs(request.scope.get("query_string", b"").decode("latin-1")), to)


class Form(dict[str, str]):
    """A sent form: the last value of each field, blanks cut off at both ends; ``all`` has every value.

    ``exact`` has the last values as they were sent: for passwords.
    """

    all: dict[str, list[str]]
    exact: dict[str, str]


async def form_sent(request: Request, fields_max: int = QUERY_FIELDS_MAX) -> list[tuple[str, str]]:
    """The fields of a sent form in their order, as they were sent; asked again, the same. Refused as ``read_form``."""
    known: list[tuple[str, str]] | None = getattr(request.state, "form_sent", None)
    if known is None:
        media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media != FORM_MEDIA:
            raise Problem(415, "wrong_content_type", wanted=FORM_MEDIA)
        known = _pairs((await read_body(request)).decode("latin-1"), fields_max)
        request.state.form_sent = known
    return known


async def read_form(request: Request, fields_max: int = QUERY_FIELDS_MAX) -> Form:
    """Read a form of at most ``fields_max`` fields (``application/x-www-form-urlencoded``); 415 and 400 otherwise.

    Files come elsewhere.
    """
    form = Form()
    form.all, form.exact = {}, {}
    for name, value in await form_sent(request, fields_max):
        form[name], form.exact[name] = value.strip(), value
        form.all.setdefault(name, []).append(value.strip())
    return form


def local_path(path: str | None, otherwise: str = "/") -> str:
    """``path`` if it stays on this site, else ``otherwise``: where a visitor is sent on to is never another's."""
    if not path or not path.startswith("/") or path[1:2] in ("/", "\\") or any(ord(c) < 32 for c in path):
        return otherwise
    return path


def see_other(path: str, note: str = "") -> RedirectResponse:
    """POST-redirect-GET. ``note`` names a sentence (``note.*``) that the next page shows once."""
    response = RedirectResponse(path, 303)
    if note:
        response.set_cookie(NOTE_COOKIE, note, max_age=60, httponly=True, samesite="lax")
    return response
