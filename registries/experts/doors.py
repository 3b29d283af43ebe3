"""Every door of the expert registry and its draws."""

from __future__ import annotations

from registries.experts import drawpages, listpages, ownpages

ROUTES = [*ownpages.ROUTES, *listpages.ROUTES, *drawpages.ROUTES]
