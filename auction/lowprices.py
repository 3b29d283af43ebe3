"""异常低价审查: which offers of a lot look abnormally low, by the parameters its case has pinned."""

from __future__ import annotations

from collections.abc import Sequence

from auction.model import LotRules
from auction.settlement import Candidate
from plumbing.postgres import Record


def flagged(row: Record, rules: LotRules, found: Sequence[Candidate]) -> dict[str, object]:
    """By alias, what fired: the screens' names with the figures they compared. Empty when nothing looks low."""
    return {}
