"""OpenAPI 3.1, written from the operations themselves: their types, their roles, their refusals."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.routing import BaseRoute

from plumbing import problems
from plumbing.problems import ProblemBody
from plumbing.web import Operation

REF = "#/components/schemas/{name}"
_PARAMETER = re.compile(r"{(\w+)(?::(\w+))?}")
_PATH_TYPES: dict[str, dict[str, Any]] = {
    "uuid": {"type": "string", "format": "uuid"},
    "int": {"type": "integer", "minimum": 0},
    "str": {"type": "string", "minLength": 1},
}


def operations(routes: Iterable[BaseRoute]) -> list[Operation]:
    """The operations among ``routes``."""
    return [route for route in routes if isinstance(route, Operation)]


def refusals(operation: Operation) -> list[int]:
    """Every refusal the operation may answer: those that follow from what it takes, and its own."""
    found = set(operation.errors)
    if operation.guarded:
        found |= {401, 403}
    if operation.method not in ("GET", "HEAD"):
        found |= {403, 413}
    if operation.body is not None:
        found |= {400, 415, 422}
    if operation.query is not None:
        found |= {400, 422}
    if operation.param_convertors:
        found.add(404)
    return sorted(found)


def _types(every: list[Operation]) -> list[Any]:
    seen: list[Any] = [ProblemBody]
    for operation in every:
        for one in (operation.body, operation.query, operation.result):
            if one not in (None, type(None)) and not _makes_response(one) and one not in seen:
                seen.append(one)
    return seen


def _makes_response(one: Any) -> bool:
    return inspect.isclass(one) and issubclass(one, Response)


def _resolve(schema: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    ref = schema.get("$ref", "")
    return components[ref.rsplit("/", 1)[1]] if ref else schema


def _parameters(operation: Operation, schemas: dict[Any, Any], components: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": _PATH_TYPES.get(kind or "str", {"type": "string"})}
        for name, kind in _PARAMETER.findall(operation.path)
    ]
    if operation.query is not None:
        shape = _resolve(schemas[operation.query], components)
        for name, schema in shape.get("properties", {}).items():
            required = name in shape.get("required", ())
            found.append({"name": name, "in": "query", "required": required, "schema": schema})
    return found


def _good_answers(operation: Operation, schemas: dict[Any, Any]) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for status in (operation.status, *operation.also):
        answer: dict[str, Any] = {"description": HTTPStatus(status).phrase}
        if _makes_response(operation.result):
            if operation.media:
                answer["content"] = {operation.media: {}}
        elif operation.result not in (None, type(None)) and status != 204:
            answer["content"] = {"application/json": {"schema": schemas[operation.result]}}
        answers[str(status)] = answer
    return answers


def _describe(operation: Operation, schemas: dict[Any, Any], components: dict[str, Any]) -> dict[str, Any]:
    zh, en = operation.summary
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": f"{zh} · {en}",
        "description": inspect.getdoc(operation.function) or en,
        "parameters": _parameters(operation, schemas, components),
        "responses": _good_answers(operation, schemas),
    }
    if operation.guarded:
        described["security"] = [{"session": []}, {"key": []}]
        described["x-act"] = operation.act
    if operation.body is not None:
        content = {"application/json": {"schema": schemas[operation.body]}}
        described["requestBody"] = {"required": True, "content": content}
    for status in refusals(operation):
        content = {problems.MEDIA_TYPE: {"schema": {"$ref": REF.format(name="ProblemBody")}}}
        described["responses"][str(status)] = {"description": HTTPStatus(status).phrase, "content": content}
    return described


def build(routes: Iterable[BaseRoute], *, title: str, version: str, cookie: str = "yangcai") -> dict[str, Any]:
    """Write the document for all operations among ``routes``. Two types or operations of one name are refused."""
    every = operations(routes)
    types = _types(every)
    listed, components = msgspec.json.schema_components(types, ref_template=REF)
    schemas = dict(zip(types, listed, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    names: set[str] = set()
    for operation in every:
        if operation.name in names:
            raise ValueError(f"two operations are called {operation.name}")
        names.add(operation.name)
        path = _PARAMETER.sub(r"{\1}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _describe(operation, schemas, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": cookie},
                "key": {"type": "http", "scheme": "bearer"},
            },
        },
    }
