"""Every door of the product registry."""

from __future__ import annotations

from registries.products import importpages, pages, routes

ROUTES = [*pages.ROUTES, *importpages.ROUTES, *routes.ROUTES]
