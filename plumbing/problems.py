"""What is answered when something is refused: RFC 9457 problems, with a sentence in both languages.

A door raises ``Problem(409, "lot_closed", closes_at=...)``. The sentences are ``problem.<code>`` of the catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.requests import HTTPConnection
from starlette.responses import Response

from plumbing.logs import request_id
from plumbing.texts import Texts

MEDIA_TYPE = "application/problem+json"

# The general code of a status: for what the framework itself refuses. Their sentences take no parameters.
STATUS_CODES = {
    400: "bad_request",
    401: "login_needed",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    408: "timeout",
    413: "body_too_large",
    414: "address_too_long",
    431: "head_too_large",
    500: "internal",
    503: "unavailable",
}


class Problem(Exception):
    """Refuse a request. ``accept`` says, in the units of the API, what would have been accepted.

    The sentence is the catalogue's ``problem.<code>``, or ``text`` where a room has its own.
    """

    def __init__(
        self,
        status: int,
        code: str,
        /,
        *,
        accept: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        text: str = "",
        **params: Any,
    ) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.accept = accept
        self.headers = dict(headers or {})
        self.text = text or f"problem.{code}"
        self.params = params


class ProblemBody(msgspec.Struct, omit_defaults=True, rename={"type_": "type"}):
    """The body of every refusal (RFC 9457). ``code`` is for machines; ``zh`` and ``en`` are the sentence."""

    type_: str
    title: str
    status: int
    detail: str
    code: str
    zh: str
    en: str
    request_id: str
    accept: dict[str, Any] | None = None


def language(conn: HTTPConnection) -> str:
    """The reader's language: the ``lang`` cookie, Chinese without one."""
    return "en" if conn.cookies.get("lang") == "en" else "zh"


def body_of(problem: Problem, texts: Texts, lang: str) -> ProblemBody:
    """Put a problem into words. A code without a sentence is a bug, and still answered in general words."""
    key = problem.text
    if key not in texts:
        key = "problem." + STATUS_CODES.get(problem.status, "internal" if problem.status >= 500 else "bad_request")
    said = {one: texts.say(key, one, **problem.params) for one in ("zh", "en")}
    return ProblemBody(
        type_=f"/api/problems/{problem.code}",
        title=HTTPStatus(problem.status).phrase,
        status=problem.status,
        detail=said[lang],
        code=problem.code,
        zh=said["zh"],
        en=said["en"],
        request_id=request_id(),
        accept=dict(problem.accept) if problem.accept else None,
    )


def respond(conn: HTTPConnection, problem: Problem) -> Response:
    """Answer ``problem`` as JSON."""
    body = body_of(problem, conn.state.texts, language(conn))
    return Response(msgspec.json.encode(body), problem.status, problem.headers, MEDIA_TYPE)
