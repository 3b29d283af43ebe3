"""The nouns of the watchman 旁路审计: what he is told, what he warns of, what he may be set to."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Count = Annotated[int, Meta(ge=1, le=100_000)]
Hour = Annotated[int, Meta(ge=0, le=24)]
KINDS = ("bulk_read", "refused", "off_hours", "new_key", "broken", "away")
"""Bulk copying, unlawful access, operators outside office hours, another signing key, a trail that was tampered with,
a trail out of reach."""


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """What he warns of; the file ``rules.toml`` of his folder. ``auto_block``: kinds that bar a person at once.
    ``second_factor``: his administrators come in with a code of their authenticator besides the password.
    """

    objects_per_minute: Count = 40
    refusals_per_10_minutes: Count = 20
    office_from_hour: Hour = 8
    office_until_hour: Hour = 18
    auto_block: tuple[str, ...] = ()
    second_factor: bool = True


class Seen(Struct, frozen=True):
    """An act as the rules look at it. ``subject``: the person's id, else the address; ``at`` epoch ms."""

    n: int
    at: int
    person: str
    login: str
    address: str
    door: str
    event: str
    object: str
    result: str
    operator: bool = False

    @property
    def subject(self) -> str:
        """Whose act it is, as far as is known."""
        return self.person or self.address


class Alert(Struct, frozen=True):
    """Something the administrators should look at. ``person`` empty: nobody who could be barred."""

    kind: str
    at: int
    subject: str
    person: str
    text: str
    n: int = 0
