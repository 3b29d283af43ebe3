"""Every door of the supplier registry."""

from __future__ import annotations

from registries.papers import routes as papers
from registries.suppliers import banpages, listpages, pages, reviewpages, routes

ROUTES = [
    *pages.ROUTES, *reviewpages.ROUTES, *listpages.ROUTES, *banpages.ROUTES, *routes.ROUTES, *papers.ROUTES,
]  # fmt: skip
