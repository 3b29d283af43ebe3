"""Every door of the agency registry."""

from __future__ import annotations

from registries.agencies import listpages, pages, routes

ROUTES = [*pages.ROUTES, *listpages.ROUTES, *routes.ROUTES]
