"""What the intranet's pages share: that of ``plumbing.lists``."""

from __future__ import annotations

from plumbing.lists import PAGE_SIZE, PAGES_MAX, Wanted, in_words, wanted

__all__ = ["PAGES_MAX", "PAGE_SIZE", "Wanted", "in_words", "wanted"]
