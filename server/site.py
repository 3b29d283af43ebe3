"""The web side of the composition: which texts, pages, middleware and handlers every process has."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Lifespan, Scope

from accounts import pages as accounts_pages
from accounts import routes as accounts_routes
from accounts.admin import doors as admin
from accounts.audit import pages as audit_pages
from accounts.audit.doors import Acts
from accounts.factors import pages as factor_pages
from accounts.factors import routes as factor_routes
from accounts.flows import pages as flow_pages
from accounts.flows import screen as approval_pages
from accounts.keys import pages as key_pages
from accounts.keys.doors import Keys
from accounts.oidc import pages as oidc_pages
from accounts.oidc.client import provider_of
from accounts.sessions import cookie_name, is_https
from accounts.todo import pages as todo_pages
from accounts.web import Who
from accounts.webhooks import pages as webhook_pages
from plumbing import texts, web
from plumbing.logs import RequestLog
from plumbing.security import BodyLimit, CrossOriginProtection, SecurityHeaders
from plumbing.templates import Templates
from registries.packs.records import Brand
from registries.parameters.modules import Modules
from registries.parameters.records import rule_set
from registries.products.usage import Usage
from server import common, errors
from server.outside import registers_of

ROOT = Path(__file__).resolve().parent.parent
STATIC = ROOT / "server" / "static"
BODY_BYTES_MAX = 1 << 20
GZIP_FROM_BYTES = 1024
FOR_EVER = "public, max-age=31536000, immutable"

mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("text/javascript", ".mjs")
mimetypes.add_type("image/svg+xml", ".svg")


class Static(StaticFiles):
    """Static files; one asked for with the stamp of its content (``?v=``) may be kept for ever."""

    def file_response(self, full_path: Any, stat_result: Any, scope: Scope, status_code: int = 200) -> Response:
        """The file, with how long it may be kept."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        stamped = b"v=" in scope.get("query_string", b"") or "/vendor/" in scope["path"]
        response.headers["Cache-Control"] = FOR_EVER if stamped else "no-cache"
        return response


def rooms() -> list[Path]:
    """The folders of the rooms: whatever has pages."""
    return sorted({path.parent for pattern in ("*/pages", "*/*/pages") for path in ROOT.glob(pattern)})


@cache
def load_texts() -> texts.Texts:
    """The catalogue of all rooms, sub-rooms included; read once."""
    return texts.load(sorted([*ROOT.glob("*/texts*.toml"), *ROOT.glob("*/*/texts*.toml")]))


def state(settings: Any, **shared: Any) -> dict[str, Any]:
    """What the web side adds to ``request.state``: texts, templates, guard. ``shared`` is known to every page."""
    catalogue = load_texts()
    folders = [room / "pages" for room in rooms()]
    known = {"mode": str(settings.mode), "demo_accounts": _demo_accounts(settings), **shared}
    return {
        "texts": catalogue,
        "templates": Templates(folders, catalogue, STATIC, known),
        "guard": common.guard,
        "modules": Modules(),
        "brand": Brand(),
        "rule_set": rule_set,
        "oidc": provider_of(settings),
        "registers": registers_of(settings),
        "usage": Usage(),
    }


def _demo_accounts(settings: Any) -> tuple[dict[str, str], ...]:
    """The accounts the login page offers; none outside demo mode."""
    if str(settings.mode) != "demo":
        return ()
    from server.demo import people

    return people.offered()


def build(
    settings: Any,
    routes: Sequence[BaseRoute],
    *,
    lifespan: Lifespan[Starlette],
    now_ms: Callable[[], int],
    version: str,
) -> Starlette:
    """The site: ``routes`` of the rooms, those of accounts, the API document, static files, all behind the same guards.

    ``settings`` needs ``mode`` and ``public_origin``. The lifespan yields ``request.state`` (see ``state``).
    """
    every = [
        *accounts_routes.ROUTES, *accounts_pages.ROUTES, *factor_routes.ROUTES, *factor_pages.ROUTES,
        *oidc_pages.ROUTES, *audit_pages.ROUTES, *admin.ROUTES, *todo_pages.ROUTES, *key_pages.ROUTES,
        *webhook_pages.ROUTES, *flow_pages.ROUTES, *approval_pages.ROUTES, *routes,
    ]  # fmt: skip
    every += common.routes(every, mode=str(settings.mode), version=version, cookie=cookie_name(settings))
    middleware = [
        Middleware(RequestLog, now_ms=now_ms),
        Middleware(SecurityHeaders, https=is_https(settings)),
        Middleware(GZipMiddleware, minimum_size=GZIP_FROM_BYTES),
        Middleware(errors.Unbroken),
        Middleware(Acts),
        Middleware(CrossOriginProtection, public_origin=settings.public_origin or ""),
        Middleware(BodyLimit, bytes_max=BODY_BYTES_MAX),
        Middleware(Keys),
        Middleware(Who),
    ]
    return Starlette(
        routes=[*web.together(every), Mount("/static", Static(directory=STATIC), name="static")],
        middleware=middleware,
        exception_handlers=errors.HANDLERS,
        lifespan=lifespan,
    )
