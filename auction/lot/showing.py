"""Showing a lot at the speed of its bids: every audience's view brought up to date by what changed alone.

``views`` is the law: the whole view of an audience as a pure function of role and public state. A ``Sight`` gives the
same view and the same patches without building and comparing them whole; a property test holds both together.
"""

from __future__ import annotations

from auction.lot import views
from auction.lot.model import Alias, BidTaken, Event, LotRules, Opened, Prebid, Voided
from auction.lot.state import LotState
from auction.lot.views import View

LINES_SHOWN = 400
LISTED_MAX, LISTED_MS = 8, 50
"""Of the bids of a twentieth of a second the first eight are listed: a person reads no more, and the record has all."""
HOST, PUBLIC = "host", "public"


class Journal:
    """A table that grows by rows, and what is new in it since everyone last looked. Rows are never changed in place."""

    __slots__ = ("_before", "_news", "rows")

    def __init__(self) -> None:
        self.rows: View = {}
        self._news: list[tuple[str, View | None, bool]] = []
        self._before = 0

    @property
    def head(self) -> int:
        """The position after the last piece of news; ``since`` takes it."""
        return self._before + len(self._news)

    def put(self, key: str, row: View) -> None:
        """Add a row, or change what ``row`` names of the one that is there."""
        before = self.rows.get(key)
        after = {**(before or {}), **row}
        if after == before:
            return
        self.rows[key] = after
        self._news.append((key, row, before is None))

    def drop(self, key: str) -> None:
        """Take a row out for good."""
        del self.rows[key]
        self._news.append((key, None, False))

    def since(self, position: int) -> View:
        """The merge patch from where the table stood at ``position`` to where it stands; empty when they are equal."""
        patch: View = {}
        born: set[str] = set()
        for key, row, new in self._news[position - self._before :]:
            if new:
                born.add(key)
            if row is not None:
                patch[key] = {**patch.get(key, {}), **row}
            elif key in born:
                del patch[key]
            else:
                patch[key] = None
        return patch

    def seen(self) -> None:
        """Everyone has looked: forget what was new."""
        self._before += len(self._news)
        self._news.clear()


class Scene:
    """What there is to see of a lot: its state, its stage by name, who is here, and the tables that its log fills."""

    def __init__(self, rules: LotRules) -> None:
        self.state = LotState(rules)
        self.stage = ""
        self.online: set[str] = set()
        self.marks, self.lines = Journal(), Journal()
        self.own: dict[Alias, Journal] = {}
        self._places: dict[int, str] = {}
        self._span = (0, 0)
        self.clock: View = {}
        self.market: tuple[object, ...] = ()
        self.ranks: dict[Alias, int] = {}

    def keep(self, event: Event) -> None:
        """Enter an event, already applied to the state, into the tables."""
        if isinstance(event, BidTaken | Prebid):
            mine = self.own_of(event.who)
            self._places[event.n] = key = str(len(mine.rows) + 1)
            mine.put(key, {"price": event.price, "at": event.at})
        if isinstance(event, Voided) and event.target in self._places:
            self.own[event.who].put(self._places[event.target], {"voided": True})
        if isinstance(event, Opened):
            self.online = set(self.online)  # whom of these a host is shown depends on who was admitted
        mark, line = views.mark_of(event), views.log_line(event)
        if mark:
            self.marks.put(str(len(self.marks.rows) + 1), mark)
        if line and self._listed(event):
            self.lines.put(str(event.n), line)
            if len(self.lines.rows) > LINES_SHOWN:
                self.lines.drop(next(iter(self.lines.rows)))

    def _listed(self, event: Event) -> bool:
        """Whether the host's list has room for this line; by the log alone, so that all processes list the same."""
        if not isinstance(event, BidTaken):
            return True
        span = event.at // LISTED_MS
        self._span = (span, self._span[1] + 1 if span == self._span[0] else 1)
        return self._span[1] <= LISTED_MAX

    def own_of(self, alias: Alias) -> Journal:
        """The history of one bidder."""
        found = self.own.get(alias)
        if found is None:
            found = self.own[alias] = Journal()
        return found

    def view_of(self, key: str) -> View:
        """The law: the whole view of one audience, ``host``, ``public`` or ``b:<alias>``."""
        if key == HOST:
            view = views.host_view(self.state, dict(self.marks.rows), dict(self.lines.rows), self.online)
        elif key == PUBLIC:
            view = views.public_view(self.state)
        else:
            alias = Alias(key[2:])
            view = views.bidder_view(self.state, alias, dict(self.own_of(alias).rows), dict(self.marks.rows))
        view["stage"] = self.stage
        return view

    def glance(self) -> None:
        """Bring up to date what all sights share. What does not change stays the very same object."""
        clock = views.clean(views.clock_view(self.state))
        clock["stage"] = self.stage
        if clock != self.clock:
            self.clock = clock
        self.market = views.market_facts(self.state)
        self.ranks = {alias: rank for rank, (_, _, alias) in enumerate(self.state.board, 1)}

    def seen(self) -> None:
        """Every sight has looked: forget what was new. The sights must all have looked."""
        for journal in (self.marks, self.lines, *self.own.values()):
            journal.seen()


class Sight:
    """The view of one audience, kept up to date by ``look``."""

    __slots__ = (
        "_alias", "_clock", "_facts", "_flat", "_key", "_large", "_marks_at", "_online", "_scene", "_standings",
        "_table_at", "view",
    )  # fmt: skip

    def __init__(self, scene: Scene, key: str) -> None:
        self._key, self._alias = key, Alias(key[2:])
        self._start(scene)

    def _start(self, scene: Scene) -> None:
        """Take the whole view, by the law."""
        scene.glance()
        self.view = scene.view_of(self._key)
        self._scene, self._large = scene, self._large_now(scene)
        self._clock, self._online, self._marks_at = scene.clock, scene.online, scene.marks.head
        self._facts, self._flat = self._facts_now(scene), self._flat_now(scene)
        self._table_at = self._table(scene).head if self._large else 0
        self._standings = _standings(scene.state) if self._key == HOST and self._large else {}

    def _large_now(self, scene: Scene) -> bool:
        """Whether the view has its larger form: the host's with all standings, a bidder's once he is admitted."""
        if self._key == HOST:
            return views.host_sees_all(scene.state)
        return self._alias in scene.state.bidders

    def _facts_now(self, scene: Scene) -> tuple[object, ...]:
        """What the flat part of the view follows from, cheap to compare."""
        if self._key == HOST:
            return (scene.state.n,)
        bidder = scene.state.bidders.get(self._alias)
        return (scene.market, scene.ranks.get(self._alias), bidder and bidder.n, bidder and bidder.barred)

    def _flat_now(self, scene: Scene) -> View:
        if self._key == PUBLIC:
            return {}
        if self._key == HOST:
            return views.clean(views.overview(scene.state))
        return views.clean(views.standing_view(scene.state, self._alias))

    def _table(self, scene: Scene) -> Journal:
        return scene.lines if self._key == HOST else scene.own_of(self._alias)

    def look(self, scene: Scene) -> View:
        """The merge patch from ``view`` as it was to what is to be seen now; ``view`` is brought there.

        The scene must have been glanced at since it last changed.
        """
        if scene is not self._scene or self._large_now(scene) != self._large:
            before = self.view
            self._start(scene)
            return views.patch_between(before, self.view)
        patch: View = {}
        if scene.clock is not self._clock:
            patch = views.patch_between(self._clock, scene.clock)
            self._clock = scene.clock
        if self._key != PUBLIC:
            self._look_closer(scene, patch)
        if patch:
            views.absorb(self.view, patch)
        return patch

    def _look_closer(self, scene: Scene, patch: View) -> None:
        """Add to ``patch`` what bidders and hosts see besides the clock."""
        facts = self._facts_now(scene)
        if facts != self._facts:
            flat = self._flat_now(scene)
            patch.update(views.patch_between(self._flat, flat))
            self._facts, self._flat = facts, flat
        if scene.marks.head != self._marks_at:
            patch["marks"] = scene.marks.since(self._marks_at)
            self._marks_at = scene.marks.head
        if not self._large:
            return
        table = self._table(scene)
        if table.head != self._table_at:
            news = table.since(self._table_at)
            if news:
                patch["lines" if self._key == HOST else "own"] = news
            self._table_at = table.head
        if self._key == HOST:
            self._look_at_standings(scene, patch)

    def _look_at_standings(self, scene: Scene, patch: View) -> None:
        state, before = scene.state, self._standings
        self._standings = _standings(state)
        rows: View = {alias: None for alias in before if alias not in self._standings}
        for alias, standing in self._standings.items():
            if before.get(alias) != standing:
                row = views.host_row(state, alias, standing[0])
                rows[alias] = views.patch_between(self.view["rows"].get(alias, {}), row)
        if rows:
            patch["rows"] = rows
        if scene.online is not self._online:
            self._online = scene.online
            online = views.patch_between(self.view["online"], views.online_view(state, scene.online))
            if online:
                patch["online"] = online


def _standings(state: LotState) -> dict[Alias, tuple[int, int, int]]:
    """By alias what a host's row follows from: rank, position of the offer, time of the offer."""
    return {alias: (rank, n, state.bidders[alias].at) for rank, (_, n, alias) in enumerate(state.board, 1)}
