"""Doors that belong to no room: the API document and its viewer, and in demo mode the gallery of page pieces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from accounts.model import Actor
from accounts.web import guard as accounts_guard
from plumbing import openapi
from plumbing.security import CONTENT_SECURITY_POLICY
from registries.parameters.rereading import Rereading, read_places

# The viewer draws with style attributes and an in-page style element; it is the only page that may.
VIEWER_POLICY = CONTENT_SECURITY_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")


async def guard(request: Request, wanted: str) -> Actor:
    """What ``plumbing.web`` calls before a door that needs a login: he may enter, and the door's module is on."""
    actor = await accounts_guard(request, wanted)
    request.state.modules.demand(request)
    return actor


def rereaders(state: Mapping[str, Any]) -> dict[str, Rereading]:
    """What a process keeps of the standards in memory, by the channel that tells of its changes."""
    pool = state["postgres"]
    return {
        "region": Rereading("places", partial(read_places, pool)),
        "module": Rereading("modules", partial(state["modules"].read, pool)),
        "pack": Rereading("brand", partial(state["brand"].read, pool)),
    }


def document(routes: Sequence[BaseRoute], *, version: str, cookie: str = "yangcai") -> dict[str, Any]:
    """The OpenAPI document of all ``routes``."""
    return openapi.build(routes, title="阳采 Yangcai", version=version, cookie=cookie)


def routes(every: Sequence[BaseRoute], *, mode: str, version: str, cookie: str = "yangcai") -> list[BaseRoute]:
    """The doors of this module for a site whose other doors are ``every`` (joined or not)."""
    content = msgspec.json.encode(document(every, version=version, cookie=cookie))

    async def api_document(request: Request) -> Response:
        return Response(content, media_type="application/json", headers={"Cache-Control": "no-cache"})

    async def api_viewer(request: Request) -> Response:
        page: Response = request.state.templates.page(request, "api.html")
        page.headers["Content-Security-Policy"] = VIEWER_POLICY
        return page

    async def gallery(request: Request) -> Response:
        page: Response = request.state.templates.page(request, "gallery.html")
        return page

    async def home(request: Request) -> Response:
        return RedirectResponse("/auctions", 303)

    doors: list[BaseRoute] = [Route("/api/openapi.json", api_document), Route("/api/docs", api_viewer)]
    if not any(getattr(route, "path", "") == "/" for route in every):
        doors.append(Route("/", home))
    return [*doors, Route("/gallery", gallery)] if mode == "demo" else doors
