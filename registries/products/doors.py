"""Every door of the product registry."""

from __future__ import annotations

from registries.products import alertpages, flagpages, importpages, ownpages, pages, routes, samepages

ROUTES = [
    *pages.ROUTES,
    *importpages.ROUTES,
    *ownpages.ROUTES,
    *samepages.ROUTES,
    *alertpages.ROUTES,
    *flagpages.ROUTES,
    *routes.ROUTES,
]
