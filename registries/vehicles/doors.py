"""Every door of the vehicle registry."""

from __future__ import annotations

from registries.vehicles import listpages, pages, routes, setpages

ROUTES = [*listpages.ROUTES, *setpages.ROUTES, *pages.ROUTES, *routes.ROUTES]
