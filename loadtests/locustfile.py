"""Crowds for locust: ``Bidding``, ``Watching``, ``ManyAuctions``, ``Browsing``. See ``loadtests/README.md``.

Name one scenario on the command line. After the run every lot is closed, and the run fails when an answer "taken" is
not in the log or the best bid taken does not lead.
"""

from __future__ import annotations

import json
import os
import random
from typing import Any
from uuid import uuid4

import gevent  # type: ignore[import-untyped]
import websocket
from locust import FastHttpUser, User, between, constant_pacing, events, task
from locust.env import Environment
from locust.runners import MasterRunner

from loadtests.hall import BIDDERS_PER_AUCTION, START_PRICE, Hall, Place

BID_EVERY_S = float(os.environ.get("YANGCAI_LOAD_BID_EVERY_S", "1"))
ANSWER_WAIT_S = 20
WATCHED_BIDDERS = 5
PAGES = ("/auctions", "/login", "/api/openapi.json")
halls: dict[int, Hall] = {}


@events.test_start.add_listener  # type: ignore[untyped-decorator]
def open_halls(environment: Environment, **_: Any) -> None:
    """Open the practice auctions that the chosen scenario needs, once per process."""
    if isinstance(environment.runner, MasterRunner) or all(one is Browsing for one in environment.user_classes):
        return
    users = max(1, environment.parsed_options.num_users or 1) if environment.parsed_options else 1
    many = any(one is ManyAuctions for one in environment.user_classes)
    halls[0] = Hall(
        environment.host or "", users + WATCHED_BIDDERS, BIDDERS_PER_AUCTION if many else users + WATCHED_BIDDERS
    )


@events.test_stop.add_listener  # type: ignore[untyped-decorator]
def check_halls(environment: Environment, **_: Any) -> None:
    """The benchmark also checks meaning: what was answered as taken is in the log, and the best of it leads."""
    hall = halls.pop(0, None)
    if hall is None:
        return
    wrong = hall.check(gevent.sleep)
    bids = sum(len(prices) for prices in hall.taken.values())
    print(f"Checked: {bids} bids taken in {len(hall.taken)} lots; {len(wrong)} do not agree.")
    for line in wrong:
        print("  ", line)
    if wrong:
        environment.process_exit_code = 1


class SocketUser(User):
    """A user with a ticketed socket to one lot; subclasses say what he does there."""

    abstract = True

    def on_start(self) -> None:
        """Take a place and connect; the time of the handshake is measured."""
        self.hall = halls[0]
        self.place: Place = self.hall.take_place()
        self.price = START_PRICE
        ticket = self.hall.ticket(self.place)
        url = self.hall.url.replace("http", "ws", 1) + f"/ws?ticket={ticket}"
        with self.environment.events.request.measure("WS", "connect"):
            self.socket = websocket.create_connection(url, origin=self.hall.url, timeout=ANSWER_WAIT_S)

    def on_stop(self) -> None:
        """Hang up."""
        self.socket.close()

    def hear(self, *tags: str) -> dict[str, Any]:
        """The next message with one of the tags; others pass by."""
        while True:
            message: dict[str, Any] = json.loads(self.socket.recv())
            if message.get("t") in tags:
                return message

    def watch(self) -> None:
        """Begin to follow the lot; the time to the snapshot is measured."""
        with self.environment.events.request.measure("WS", "snapshot"):
            self.socket.send(json.dumps({"t": "watch", "lot": self.place.lot_id}))
            self.hear("snapshot", "error")

    def bid(self) -> None:
        """Improve on the own last bid; the time to the durable answer is measured. A refusal counts as a failure."""
        self.price -= random.randint(1, 1_000)
        message = {"t": "bid", "lot": self.place.lot_id, "id": uuid4().hex, "price": self.price}
        with self.environment.events.request.measure("WS", "bid") as measured:
            self.socket.send(json.dumps(message))
            answer = self.hear("taken", "refused", "error")
            if answer["t"] != "taken":
                measured["exception"] = RuntimeError(answer.get("code", "error"))
                return
        self.hall.taken[self.place.lot_id].append(self.price)


class Bidding(SocketUser):
    """竞价: every user a supplier in one hot auction, bidding once a second and following the lot."""

    wait_time = constant_pacing(BID_EVERY_S)

    def on_start(self) -> None:
        """Connect and follow."""
        super().on_start()
        self.watch()

    @task
    def place_bid(self) -> None:
        """One bid."""
        self.bid()


class ManyAuctions(Bidding):
    """多场并行: ten suppliers to an auction, all auctions at once."""


class Watching(SocketUser):
    """观看: users follow one lot in which a few suppliers bid; each frame received counts."""

    def on_start(self) -> None:
        """Connect and follow."""
        super().on_start()
        self.watch()

    @task
    def read(self) -> None:
        """One frame of the stream."""
        with self.environment.events.request.measure("WS", "wait for a frame"):
            self.hear("delta", "snapshot")


class WatchedBidder(SocketUser):
    """The suppliers whom ``Watching`` watches; five, bidding twice a second."""

    fixed_count = WATCHED_BIDDERS
    wait_time = constant_pacing(0.5)

    @task
    def place_bid(self) -> None:
        """One bid."""
        self.bid()


class Browsing(FastHttpUser):
    """浏览: visitors without an account open pages, a page every one to three seconds."""

    wait_time = between(1, 3)

    @task
    def open_page(self) -> None:
        """One page."""
        self.client.get(random.choice(PAGES))
