"""What is measured. ``ROUND`` (and ``PEERS``, on request) is played again and again, ``BEFORE`` and ``AFTER`` once.

A scenario takes the stage and gives figures by name; the table in ``loadtests/bench/table.py`` makes rows of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from loadtests.bench.scenarios import bidding, curve, floors, idle, peers, starting, watching, workers
from loadtests.bench.stage import Scale, Stage

Figures = dict[str, float]


class Scenario(NamedTuple):
    """Something measured: its name, what it is in a few words, whether the scale has it, and how it is done."""

    name: str
    what: str
    play: Callable[[Stage], Figures]
    wanted: Callable[[Scale], bool] = lambda scale: True


BEFORE = (
    Scenario("start", "starting again on existing data", starting.cold_start),
    Scenario("memory", "memory of idle watchers", idle.memory),
)
ROUND = (
    Scenario("set", "raw SET, 200 connections", floors.raw_set),
    Scenario("echo", "raw echo, 200 connections", floors.echo),
    Scenario("bids", "200 bidders, one lot", bidding.quiet),
    Scenario("main", "200 bidders, one lot, 1,000 watchers", bidding.main),
    Scenario("contest", "200 bidders who must beat the best", bidding.contest),
    Scenario("single", "one bidder, and one connection of raw SET", bidding.single),
    Scenario("write", "bare os.write to N sockets", floors.bare_writes),
    Scenario("fanout", "frames to N watchers", watching.fan_out),
    Scenario("steady", "bids at a fixed rate", watching.unwatched),
    Scenario("watched", "the same with N watchers", watching.watched),
)
PEERS = (
    Scenario("channels", "200 bidders on Django Channels", peers.peer("channels")),
    Scenario("socketio", "200 bidders on Socket.IO", peers.peer("socketio")),
)
AFTER = (
    Scenario("curve", "delay against offered load", curve.curve),
    Scenario("lots", "idle CPU of many running lots", idle.running_lots, lambda scale: scale.lots > 0),
    Scenario("workers", "one and two workers over many lots", workers.one_and_two, lambda scale: scale.spread_lots > 0),
    Scenario("restart", "starting again on the data of this run", starting.restart, lambda scale: scale.lots > 0),
)
