"""Every door of the product registry."""

from __future__ import annotations

from registries.products import alertpages, flagpages, importpages, opinionpages, ownpages, pages, routes, samepages

ROUTES = [
    *pages.ROUTES,
    *importpages.ROUTES,
    *ownpages.ROUTES,
    *samepages.ROUTES,
    *alertpages.ROUTES,
    *flagpages.ROUTES,
    *opinionpages.ROUTES,
    *routes.ROUTES,
]
