"""Every door of the supplier registry."""

from __future__ import annotations

from registries.suppliers import pages, reviewpages

ROUTES = [*pages.ROUTES, *reviewpages.ROUTES]
