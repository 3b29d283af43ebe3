"""Every door of the permission centre."""

from __future__ import annotations

from accounts.admin import joining, pages, personpages

ROUTES = [*pages.ROUTES, *personpages.ROUTES, *joining.ROUTES]
