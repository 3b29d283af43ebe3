"""Every door of the expert registry and its draws."""

from __future__ import annotations

from registries.experts import afterpages, drawpages, listpages, ownpages, routes, statpages

ROUTES = [
    *ownpages.ROUTES,
    *statpages.ROUTES,
    *listpages.ROUTES,
    *drawpages.ROUTES,
    *afterpages.ROUTES,
    *routes.ROUTES,
]
