"""回放: play recorded reverse auctions through the running server and compare every item with the record.

``reading`` the folder, ``oracle`` what must come out, ``timeline`` when, ``player`` the sockets, ``table`` the tally.
"""

from __future__ import annotations

from loadtests.replay.command import main

__all__ = ["main"]
