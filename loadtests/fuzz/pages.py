"""The server-rendered doors of the product, by method and path."""

from __future__ import annotations

from starlette.routing import Route

from accounts import pages as account_pages
from plumbing.web import Operation
from server import app


def pages() -> list[tuple[str, str]]:
    """Every page and form; streams of events, which do not end, left out."""
    return [
        (method, route.path)
        for route in (*account_pages.ROUTES, *app.ROUTES)
        if isinstance(route, Route) and not isinstance(route, Operation) and not route.path.endswith("/stream")
        for method in sorted(set(route.methods or ()) - {"HEAD"})
    ]
