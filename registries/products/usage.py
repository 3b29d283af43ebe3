"""使用统计: how often products are looked at and compared, counted in the process and written together.

A process that is killed loses the counts of at most ``WRITE_EVERY_S``: they are statistics, no record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from uuid import UUID

from plumbing import sql
from plumbing.faults import ever
from plumbing.postgres import Pool

SQL = sql.load(Path(__file__).with_name("usage.sql"))
WRITE_EVERY_S = 5.0
KEPT_MAX = 100_000


class Usage:
    """The counts of one process that are not written yet."""

    def __init__(self) -> None:
        self._views: Counter[tuple[UUID, date]] = Counter()
        self._compares: Counter[tuple[UUID, date]] = Counter()

    def viewed(self, product_id: UUID, today: date) -> None:
        """Somebody who does not sell it looked at a product."""
        if len(self._views) < KEPT_MAX:
            self._views[product_id, today] += 1

    def compared(self, product_ids: Iterable[UUID], today: date) -> None:
        """Somebody put products side by side."""
        if len(self._compares) < KEPT_MAX:
            self._compares.update((each, today) for each in product_ids)

    async def write(self, pool: Pool) -> None:
        """Write what was counted; what cannot be written is kept for the next time."""
        views, compares = self._views, self._compares
        keys = sorted(views.keys() | compares.keys())
        if not keys:
            return
        self._views, self._compares = Counter(), Counter()
        ids, days = [key[0] for key in keys], [key[1] for key in keys]
        try:
            await pool.execute(SQL["count"], ids, days, [views[key] for key in keys], [compares[key] for key in keys])
        except Exception:
            self._views.update(views)
            self._compares.update(compares)
            raise

    async def run(self, pool: Pool) -> None:
        """Write again and again, until cancelled."""
        await ever("product usage", lambda: self.write(pool), WRITE_EVERY_S)
