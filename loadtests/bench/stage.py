"""What all scenarios share: the product, the crowds, the floor, the lots, and the tally of what was acknowledged."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from loadtests.bench import gauges, meaning
from loadtests.bench.helpers import Helper
from loadtests.bench.product import Product, ProductError, Visitor

PRICE_FIRST = 900_000_000_000
SINGLE_LOTS = 16
"""One bidder alone would run into the limit of 1,000 bids a second and lot, so he bids in several in turn."""
SPARE_FILES = 1_000
QUIET_S, QUIET_MAX_S = 0.25, 10.0


class Scale(NamedTuple):
    """How much of everything; seconds of one measurement are ``second`` each unless a scenario says a multiple."""

    second: float
    bidders: int
    watchers: int
    hall: int
    rate: int
    rounds: int
    starts: int
    steps: int
    step: int
    curve: tuple[int, ...]
    lots: int
    spread_lots: int


FULL = Scale(2.0, 200, 1_000, 5_000, 5_000, 5, 5, 5, 2_000, (500, 1_000, 2_000, 5_000, 10_000, 20_000, 40_000), 1_000,
             100)  # fmt: skip
QUICK = Scale(0.6, 200, 1_000, 2_000, 5_000, 3, 2, 3, 400, (1_000, 5_000, 20_000), 0, 0)


def fitting(scale: Scale, files: int) -> Scale:
    """The scale within ``files`` open files a process (``ulimit -Hn``)."""
    most = max(10, files - SPARE_FILES)
    hall = min(scale.hall, (most - scale.watchers) // 2)
    return scale._replace(hall=hall, step=min(scale.step, most // scale.steps))


def raise_file_limit() -> int:
    """Lift the limit on open files as far as it goes, for us and all that we start; the limit."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    files = 1 << 20 if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return files


def rules(against: str) -> dict[str, Any]:
    """``own``: every bid below one's own last is taken. ``lead``: it must also beat the best."""
    return {
        "ceiling": None, "decrement": {"kind": "absolute", "amount": 0, "against": against},
        "duration_ms": 24 * 3_600_000, "overtime": {"extensions_max": 0}, "suppliers_min": 1,
        "visibility": "rank_only", "big_drop_bp": 0, "host_view": "lead",
    }  # fmt: skip


class Account(NamedTuple):
    """What became of the bids on a lot so far."""

    taken: int = 0
    lowest: int = 0
    unknown: int = 0


class Stage:
    """One installation under test with everything around it."""

    def __init__(self, folder: Path, scale: Scale, workers: int = 1) -> None:
        self.scale = scale
        self.product = Product(folder, workers)
        self.bidders = Helper("loadtests.bench.crowd", "b")
        self.watchers = Helper("loadtests.bench.crowd", "w")
        self.floor = Helper("loadtests.bench.floor")
        self.lots: dict[str, str] = {}
        self.accounts: dict[str, Account] = {}
        self.views: dict[str, dict[str, Any]] = {}
        self.lost = 0
        self.price = PRICE_FIRST
        self._visitor: Visitor | None = None

    @property
    def visitor(self) -> Visitor:
        """The purchaser, logged in once."""
        if self._visitor is None:
            self._visitor = self.product.visitor()
        return self._visitor

    def open(self, title: str, lots: dict[str, tuple[str, list[str]]]) -> str:
        """Open a practice auction: lots by name with rule and bidders; its id."""
        bodies = [{"title": name, "rules": rules(kind), "bidders": who} for name, (kind, who) in lots.items()]
        opened = self.visitor.ask("POST", "/api/practice", {"title": title, "opens_in_ms": 0, "lots": bodies})
        self.lots |= {name: lot["lot_id"] for name, lot in zip(lots, opened["lots"], strict=True)}
        auction: str = opened["auction_id"]
        return auction

    def prepare(self) -> None:
        """The auction of all rounds, its bidders and watchers, and the raw connections."""
        scale = self.scale
        names = [f"B{number:05d}" for number in range(scale.bidders)]
        singles = {f"single-{number}": ("own", ["B-ONE"]) for number in range(SINGLE_LOTS)}
        shared = {
            name: ("lead" if name == "contest" else "own", names) for name in ("quiet", "main", "hall", "contest")
        }
        auction = self.open("Bench", {**shared, **singles})
        self.join("crowd", auction, names)
        self.join("one", auction, ["B-ONE"])
        self.gather("gallery", "main", scale.watchers)
        self.gather("hall", "hall", scale.hall)
        ports = self.floor.ask("ports")
        self.bidders.ask("raw", group="set", address=self.product.valkey_socket(), port=0, count=scale.bidders)
        self.bidders.ask("raw", group="echo", address="127.0.0.1", port=ports["echo"], count=scale.bidders)
        self.watchers.ask("raw", group="sink", address="127.0.0.1", port=ports["write"], count=scale.hall)

    def join(self, group: str, auction: str, names: list[str]) -> None:
        """Sockets for bidders."""
        heads = self.visitor.by_ticket(auction, names)
        self._connect(self.bidders, group, "bidder", heads)

    def gather(self, group: str, lot: str, count: int) -> None:
        """Sockets that watch a lot as the host does, whose view shows the lead and the log's position."""
        self._connect(self.watchers, group, "watcher", [self.visitor.by_cookie()] * count)
        self.watchers.ask("watch", group=group, lot=self.lots[lot])

    def _connect(self, crowd: Helper, group: str, kind: str, heads: list[str]) -> None:
        where = {"host": self.visitor.host, "port": self.visitor.port}
        opened = crowd.ask("connect", group=group, kind=kind, heads=heads, **where)["open"]
        if opened < len(heads):
            raise ProductError(f"{len(heads) - opened} of {len(heads)} sockets were not let in\n{self.product.said()}")

    def cpu_of(self, pids: list[int], work: Callable[[], Any]) -> tuple[Any, float]:
        """What ``work`` gives, and the CPU seconds the processes spent meanwhile."""
        before = gauges.cpu_s(*pids)
        given = work()
        return given, gauges.cpu_s(*pids) - before

    def bid(self, lots: list[str], seconds: float, group: str = "crowd", **how: Any) -> dict[str, Any]:
        """A run of bids, entered into the accounts; with ``server_us``, ``notary_us`` and ``valkey_us`` per answer."""
        servers, notary, valkey = self.product.servers(), self.product.notary(), self.product.valkey()
        before, notary_before = gauges.cpu_s(valkey), gauges.cpu_s(*notary)
        ids = [self.lots[name] for name in lots]

        def run() -> dict[str, Any]:
            return self.bidders.ask("bid", group=group, lots=ids, seconds=seconds, price=self.price, **how)

        report, server_s = self.cpu_of(servers, run)
        valkey_s, notary_s = gauges.cpu_s(valkey) - before, gauges.cpu_s(*notary) - notary_before
        answers = max(1, report["answers"])
        self.lost += report["lost"]
        for lot, taken in report["by_lot"].items():
            old = self.accounts.get(lot, Account())
            self.accounts[lot] = Account(old.taken + taken, report["lowest"][lot], old.unknown)
        for lot in ids:
            old = self.accounts.get(lot, Account())
            self.accounts[lot] = old._replace(unknown=old.unknown + report["unanswered"])
        self.price = min([self.price - report["answers"], *report["lowest"].values()])
        spent = {"server_us": server_s, "notary_us": notary_s, "valkey_us": valkey_s}
        return {**report, **{name: seconds / answers * 1e6 for name, seconds in spent.items()}}

    def seen(self, group: str) -> dict[str, Any]:
        """What watchers received since last asked, once nothing more is under way."""
        self.watchers.ask("calm", quiet_s=QUIET_S, most_s=QUIET_MAX_S)
        told = self.watchers.ask("seen", group=group)
        self.lost += told["lost"]
        return told

    def faults(self) -> list[str]:
        """What does not agree between answers, log and the watchers' last frame, over all lots."""
        valkey = meaning.Wire(self.product.valkey_socket())
        wrong = []
        for name, lot in self.lots.items():
            account = self.accounts.get(lot)
            if account is None:
                continue
            log = meaning.summed(meaning.events(valkey, lot))
            view = self.views.get(name)
            found = meaning.faults(log, account.taken, account.lowest, account.unknown, view)
            wrong += [f"lot {name}: {fault}" for fault in found]
        valkey.close()
        return wrong

    def bids_taken(self) -> int:
        """All bids acknowledged so far."""
        return sum(account.taken for account in self.accounts.values())

    def end(self) -> None:
        """Everything down, data removed."""
        for helper in (self.bidders, self.watchers, self.floor):
            helper.end()
        self.product.remove()
