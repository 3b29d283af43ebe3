"""Writing a province pack, whole or not at all, and what its branding is."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path

import msgspec

from accounts.flows import editing
from accounts.flows.engine import SQL as FLOWS
from accounts.flows.model import Step
from plumbing import sql
from plumbing.postgres import Connection, Pool
from registries.forms import records as forms
from registries.forms.model import Fault as FormFault
from registries.forms.model import Form, in_force
from registries.packs.reading import Branding, Flow, Pack
from registries.parameters import records as parameters
from registries.parameters.loading import SHELVES
from standards.params import RuleParam
from standards.workdays import day_of

SQL = sql.load(Path(__file__).with_name("records.sql"))


class Clash(StrEnum):
    """Why a sound pack cannot be loaded here. Sentences: ``pack.<value>``."""

    OTHER = "other"
    PAST = "past"
    OVERLAP = "overlap"
    FORM = "form"


class Refused(Exception):
    """It does not fit what is set already; the transaction must be given up. ``args``: the ``Clash``, what about."""


async def load(conn: Connection, pack: Pack, now_ms: int) -> bool:
    """Write ``pack`` for a transaction of the caller; False when this version was loaded before. Raises ``Refused``.

    What it sets beyond what stands begins tomorrow at the earliest, except where nothing was set before.
    """
    manifest, today = pack.manifest, day_of(now_ms)
    await conn.execute(SQL["lock_packs"])
    known = await conn.fetchval(SQL["loaded"], manifest.name, manifest.version)
    if known is not None:
        if known != pack.sha256:
            raise Refused(Clash.OTHER, f"{manifest.name} {manifest.version}")
        return False
    for file, rows in pack.tables.items():
        await SHELVES[file.removesuffix(".csv")].put(conn, rows)
    held = await parameters.all_params(conn)
    for param in pack.params:
        await _put(conn, param, held, today)
    for form in pack.forms:
        await _add(conn, form, today)
    for flow in pack.flows:
        await _set(conn, flow, f"{manifest.name} {manifest.version}", now_ms)
    branding = msgspec.to_builtins(manifest.branding)
    await conn.execute(SQL["add_pack"], manifest.name, manifest.version, manifest.region, branding, pack.sha256)
    await conn.execute(SQL["tell_pack"])
    return True


async def _put(conn: Connection, param: RuleParam, held: list[RuleParam], today: date) -> None:
    own = [one for one in held if (one.key, one.region) == (param.key, param.region)]
    if param in own:
        return
    if own and param.valid_from <= today:
        raise Refused(Clash.PAST, f"{param.key} {param.region} {param.valid_from}")
    done = await parameters.put_param(conn, param, None)
    if param.valid_to and done.valid_to != param.valid_to:
        raise Refused(Clash.OVERLAP, f"{param.key} {param.region} {done.valid_to}")


async def _add(conn: Connection, form: Form, today: date) -> None:
    own = [one for one in await forms.forms_of(conn, form.region.ljust(6, "0")) if one.kind is form.kind]
    stands = in_force(own, form.region.ljust(6, "0"), date.max).get(form.kind)
    if stands is not None and stands.body == form.body:
        return
    earliest = today + timedelta(days=1) if own else date.min
    if isinstance(await forms.add(conn, form, earliest, None), FormFault):
        raise Refused(Clash.FORM, f"{form.kind} {form.valid_from}")


async def _set(conn: Connection, flow: Flow, note: str, now_ms: int) -> None:
    """A flow that stands as it is set out stays; another becomes an earlier version."""
    newest = await conn.fetchrow(FLOWS["standing"], flow.kind, flow.region)
    if newest is not None and msgspec.convert(newest["steps"], tuple[Step, ...]) == flow.step:
        return
    seen = newest["version"] if newest is not None else 0
    await editing.publish(conn, None, flow.kind, flow.region, flow.step, seen, note, now_ms)


class Brand:
    """The branding of the pack that was loaded last, as this process knows it."""

    def __init__(self) -> None:
        self._branding = Branding()

    async def read(self, pool: Pool) -> None:
        """Read it again."""
        found = await pool.fetchval(SQL["branding"])
        self._branding = msgspec.convert(found, Branding) if found else Branding()

    def claim(self, lang: str) -> str:
        """What stands beside the name at the head of a page; empty: the product's own."""
        return self._branding.claim_en if lang == "en" else self._branding.claim_zh
