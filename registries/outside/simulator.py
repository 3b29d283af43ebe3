"""The simulated gateway: a ``World`` behind the HTTP contract of ``connector``, with the faults it is told to make."""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from registries.outside.model import Register
from registries.outside.world import World

FAULTS = ("", "busy", "garbled", "slow")


@dataclass
class Played:
    """A gateway that is played; ``asked`` counts questions. ``fault``: one of ``FAULTS``."""

    world: World
    token: str
    fault: str = ""
    asked: int = 0

    async def answer(self, request: Request) -> Response:
        """One question."""
        self.asked += 1
        if not hmac.compare_digest(request.headers.get("authorization", ""), f"Bearer {self.token}"):
            return PlainTextResponse("who are you", 401)
        if self.fault == "slow":
            await asyncio.sleep(3_600)
        if self.fault == "busy":
            return PlainTextResponse("busy", 503)
        if self.fault == "garbled":
            return Response(b'{"name": 7', media_type="application/json")
        register = request.path_params["register"]
        found = (
            self.world.extract(Register(register), request.path_params["code"]) if register in set(Register) else None
        )
        if found is None:
            return PlainTextResponse("unknown", 404)
        return Response(msgspec.json.encode(found), media_type="application/json")

    def site(self) -> Starlette:
        """Its application."""
        return Starlette(routes=[Route("/{register}/{code}", self.answer)])
