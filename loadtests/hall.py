"""What the users of one locust process share: practice auctions opened for them, their tickets, and the final count.

Blocking HTTP, made cooperative by locust's gevent; nothing of the replay's asyncio is used here.
"""

from __future__ import annotations

import os
from collections import defaultdict
from typing import Any

import requests
from requests.adapters import HTTPAdapter

BIDDERS_PER_AUCTION = 10
START_PRICE = 900_000_000_000
SETTLED_TRIES = 200
RULES: dict[str, Any] = {
    "ceiling": None,
    "decrement": {"kind": "absolute", "amount": 0, "against": "own"},
    "duration_ms": 24 * 3_600_000,
    "overtime": {"extensions_max": 0},
    "suppliers_min": 1,
    "visibility": "lead_and_rank",
    "big_drop_bp": 0,
}


class Place:
    """A user's place: the auction and lot, and the bidder's name there."""

    def __init__(self, auction_id: str, lot_id: str, name: str) -> None:
        self.auction_id, self.lot_id, self.name = auction_id, lot_id, name


class Hall:
    """Practice auctions with places for ``users`` bidders, ``per_auction`` in each; opened by the demo purchaser."""

    def __init__(self, url: str, users: int, per_auction: int) -> None:
        self.url = url.rstrip("/")
        self._http = requests.Session()
        self._http.mount(self.url, HTTPAdapter(pool_maxsize=max(10, users)))  # every user may ask at once
        self._http.headers.update({"Accept": "application/json", "Origin": self.url})
        login = os.environ.get("YANGCAI_REPLAY_LOGIN", "buyer")
        password = os.environ.get("YANGCAI_REPLAY_PASSWORD", "yangcai-demo")
        self._post("/api/session", {"login": login, "password": password})
        self.places: list[Place] = []
        while len(self.places) < users:
            self._open(min(per_auction, users - len(self.places)))
        self._next = 0
        self.taken: dict[str, list[int]] = defaultdict(list)

    def _post(self, path: str, body: Any) -> Any:
        answer = self._http.post(self.url + path, json=body, timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def _open(self, bidders: int) -> None:
        names = [f"L{number:05d}" for number in range(1, bidders + 1)]
        lot = {"title": "Load", "rules": RULES, "bidders": names}
        opened = self._post("/api/practice", {"title": "Load test", "opens_in_ms": 0, "lots": [lot]})
        lot_id = opened["lots"][0]["lot_id"]
        self.places += [Place(opened["auction_id"], lot_id, name) for name in names]

    def take_place(self) -> Place:
        """The next user's place; past the last, the places are shared."""
        place = self.places[self._next % len(self.places)]
        self._next += 1
        return place

    def ticket(self, place: Place) -> str:
        """A one-time ticket for a socket."""
        body = {"auction_id": place.auction_id, "names": [place.name]}
        ticket: str = self._post("/api/practice/tickets", body)["tickets"][place.name]
        return ticket

    def check(self, wait: Any) -> list[str]:
        """Close every lot that took a bid; what does not agree with the answers given, in words. ``wait(seconds)``."""
        wrong: list[str] = []
        for lot_id, prices in self.taken.items():
            self._http.post(f"{self.url}/api/practice/lots/{lot_id}/close", json={}, timeout=60)
            for _ in range(SETTLED_TRIES):
                result = self._http.get(f"{self.url}/api/lots/{lot_id}/result", timeout=60).json()
                if result.get("stage") == "rehearsed":
                    break
                wait(0.1)
            wrong += self._compare(lot_id, result, prices)
        return wrong

    def _compare(self, lot_id: str, result: dict[str, Any], prices: list[int]) -> list[str]:
        wrong: list[str] = []
        # Opened, the bids, closed. A bid whose answer was still on its way may be in the log besides.
        logged = (result.get("final_n") or 0) - 2
        if logged < len(prices):
            wrong.append(f"lot {lot_id}: {len(prices)} bids were answered as taken, {logged} are in the log")
        best = min(prices)
        lead = result["standings"][0]["price"] if result.get("standings") else 0
        if lead > best or not lead:
            wrong.append(f"lot {lot_id}: the best bid taken was {best}, the result says {lead}")
        return wrong
