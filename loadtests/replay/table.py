"""What the user sees of a replay: a progress bar with the live tally, and at the end the tables.

Where the output is no terminal, one plain line every few seconds takes the bar's place.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from loadtests.replay.record import VALUE_UNIT, Session
from loadtests.replay.tally import ItemOutcome, Tally, percentile
from loadtests.replay.traps import traps

REFRESH_S = 0.25
PLAIN_EVERY_S = 5.0
LISTED_MAX = 40


def reais(value: int | None) -> str:
    """A value in reais with four decimals; a dash for none."""
    return "-" if value is None else f"{value // VALUE_UNIT:,}.{value % VALUE_UNIT:04d}"


def _line(tally: Tally) -> str:
    refused = ", ".join(f"{code} {n}" for code, n in sorted(tally.refused.items())) or "0"
    items = f"{len(tally.outcomes)}/{tally.items_total} items, {tally.agreeing} equal to the oracle"
    return f"taken {tally.taken:,}, refused {refused}; {items}; {tally.sockets:,} sockets"


async def show(tally: Tally, console: Console) -> None:
    """Show the tally until cancelled."""
    if not console.is_terminal:
        while True:
            await asyncio.sleep(PLAIN_EVERY_S)
            console.print(f"{tally.done:,}/{tally.bids_total:,} bids: {_line(tally)}", soft_wrap=True)
    told = TextColumn("{task.description}")
    with Progress(BarColumn(), MofNCompleteColumn(), told, TimeElapsedColumn(), console=console) as progress:
        bar = progress.add_task("", total=tally.bids_total)
        try:
            while True:
                progress.update(bar, completed=tally.done, description=_line(tally))
                await asyncio.sleep(REFRESH_S)
        finally:
            progress.update(bar, completed=tally.done, description=_line(tally))


def _sums(outcomes: list[ItemOutcome], sent: int) -> list[str]:
    codes = Counter(code for outcome in outcomes for code in outcome.answers)
    refused = [f"{code} {n}" for code, n in sorted(codes.items()) if code]
    counts = (
        len(outcomes),
        sent,
        codes[""],
        " ".join(refused) or 0,
        sum(outcome.best_agrees for outcome in outcomes),
        sum(outcome.leader_agrees for outcome in outcomes),
        sum(outcome.ranking == outcome.verdict.ranking for outcome in outcomes),
        sum(not outcome.award for outcome in outcomes),
        sum(bool(outcome.difference) for outcome in outcomes),
    )
    return [f"{count:,}" if isinstance(count, int) else count for count in counts]


def session_table(tally: Tally) -> Table:
    """One row per session and their sum: what was sent, what came of it, what agrees with the oracle and the record."""
    table = Table(title="Items against the oracle, computed from the recorded bids alone")
    table.add_column("session", no_wrap=True)
    for name in ("items", "bids sent", "taken", "refused by code", "best price", "leader", "whole ranking"):
        table.add_column(name, justify="right")
    table.add_column("as awarded in the record", justify="right")
    table.add_column("differ", justify="right")
    for session in tally.sessions:
        outcomes = [o for item in session.items if (o := tally.outcomes.get((session.id, item.number)))]
        if outcomes:
            table.add_row(session.id, *_sums(outcomes, sum(len(o.answers) for o in outcomes)))
    table.add_section()
    everything = list(tally.outcomes.values())
    table.add_row("all" if len(tally.sessions) > 1 else "", *_sums(everything, tally.sent))
    return table


def trap_table(tally: Tally) -> Table:
    """The pitfalls of the record, how they were handled, and how often each was met."""
    found: Counter[str] = Counter()
    for session in tally.sessions:
        found.update(traps(session, {item.number: tally.verdicts[session.id, item.number] for item in session.items}))
    table = Table(title="Pitfalls of the record and how they were handled")
    table.add_column("what")
    table.add_column("count", justify="right")
    for what, count in sorted(found.items()):
        table.add_row(what, f"{count:,}")
    return table


def award_table(tally: Tally) -> Table:
    """Why the record's award is not its best bid: reasons with their counts."""
    reasons = Counter(outcome.award or "the same best price and winner" for outcome in tally.outcomes.values())
    table = Table(title="The record's own award beside the end of its bidding")
    table.add_column("what the record shows")
    table.add_column("items", justify="right")
    for reason, count in reasons.most_common():
        table.add_row(reason, f"{count:,}")
    return table


def _listed(title: str, outcomes: Iterable[ItemOutcome]) -> Table:
    table = Table(title=title)
    for name in ("session", "item", "our best", "our leader", "record's best", "record's winner", "why"):
        table.add_column(name)
    for outcome in outcomes:
        leader, best = outcome.ranking[0] if outcome.ranking else ("-", 0)
        item = outcome.item
        record = reais(item.best_value), item.winner or "-", outcome.difference or outcome.award
        table.add_row(item.session, item.number, reais(best), leader, *record)
    return table


def figures(tally: Tally) -> str:
    """The measured figures in one paragraph."""
    answer = [percentile(tally.answer_ms, share) for share in (0.5, 0.99)]
    play_s = tally.wall_s - tally.open_s
    late = [percentile(tally.late_ms, share) for share in (0.5, 0.99)]
    return (
        f"{tally.wall_s:.1f} s in all, {tally.open_s:.1f} s of them to open; {tally.sent:,} bids sent over "
        f"{tally.sockets:,} sockets, {tally.sent / play_s if play_s > 0 else 0:,.0f}/s; "
        f"answered in {answer[0]:.1f} ms (median), {answer[1]:.1f} ms (99 %); sent after due by {late[0]:.1f} ms "
        f"(median), {late[1]:.1f} ms (99 %); {tally.reconnects} reconnections, {tally.resent} sent again, "
        f"{tally.repeats} answered as repeats, {tally.held_back} held back by the server for a moment; "
        f"{sum(max(0, outcome.other_events) for outcome in tally.outcomes.values()):,} outages in the logs."
    )


def closing(tally: Tally, console: Console) -> None:
    """Print the tables, every item that differs from the oracle, and the verdict in one line."""
    console.print(trap_table(tally))
    console.print(award_table(tally))
    awarded = [outcome for outcome in tally.outcomes.values() if outcome.award]
    if awarded:
        console.print(_listed("Awards that are not the best bid", awarded[:LISTED_MAX]))
    if len(awarded) > LISTED_MAX:
        console.print(f"… and {len(awarded) - LISTED_MAX:,} more: --report FILE writes every item.")
    console.print(session_table(tally))
    differing = tally.differing
    if differing:
        console.print(_listed("Items that differ from the oracle", differing))
    console.print(figures(tally), soft_wrap=True)
    missing = tally.items_total - len(tally.outcomes)
    verdict = "every item equals the oracle" if not differing and not missing else f"{len(differing)} items differ"
    console.print(f"{verdict}{f', {missing} have no result' if missing else ''}.", style="bold")


class _ReportLine(msgspec.Struct):
    session: str
    item: str
    bids: int
    taken: int
    best: str
    leader: str
    record_best: str
    record_winner: str
    difference: str
    award: str


def write_report(tally: Tally, path: Path) -> None:
    """Every item as one JSON line."""
    with path.open("wb") as out:
        for outcome in tally.outcomes.values():
            item, (leader, best) = outcome.item, outcome.ranking[0] if outcome.ranking else ("", 0)
            line = _ReportLine(
                item.session,
                item.number,
                len(outcome.answers),
                outcome.answers.count(""),
                reais(best),
                leader,
                reais(item.best_value),
                item.winner,
                outcome.difference,
                outcome.award,
            )
            out.write(msgspec.json.encode(line) + b"\n")


def sessions_table(sessions: list[Session]) -> Table:
    """What a folder holds, for ``--list``."""
    table = Table(title="Sessions of the folder")
    table.add_column("session", no_wrap=True)
    for name in ("items", "bids to send", "suppliers", "subject"):
        table.add_column(name)
    for session in sessions:
        bids = sum(len(item.bids) for item in session.items)
        table.add_row(session.id, str(len(session.items)), f"{bids:,}", str(len(session.suppliers)), session.title[:60])
    return table
