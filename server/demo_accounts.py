"""The accounts of the demonstration, for the address that is printed at the start and for the login page."""

from __future__ import annotations


def lines() -> list[str]:
    """One line for each account: who, login, password."""
    return []
