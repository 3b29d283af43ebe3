"""Every door of the permission centre."""

from __future__ import annotations

from accounts.admin import joining, lostpages, pages, personpages, rolepages

ROUTES = [*pages.ROUTES, *personpages.ROUTES, *rolepages.ROUTES, *lostpages.ROUTES, *joining.ROUTES]
