"""The dossier of an agency as typed 名录登记表: read strictly, and written back as the fields of its form."""

from __future__ import annotations

from datetime import date

from plumbing.typed import Fault, Typed
from plumbing.web import Form
from registries.agencies.model import Dossier, Room, Staff
from registries.agencies.rules import Shortcoming, shortcomings
from registries.filing.model import masked_phone
from registries.filing.sight import Sight
from standards import regions

STAFF_MAX, ROOMS_MAX = 12, 4
EARLIEST = date(2018, 1, 1)
_AT = {Shortcoming.STAFF: "staff-1-name", Shortcoming.ROOM: "room-1-name", Shortcoming.ADDRESS: "address"}
_HIDDEN = ("contact", "phone")


def read_region(typed: Typed) -> str:
    """The home, one of the known places."""
    region = typed.raw("region")
    if region not in regions.NAMES:
        typed.wrong("region", "typed.choice" if region else "typed.missing")
    return region


def _staff(typed: Typed, n: int) -> Staff | None:
    duty, paper = typed.text(f"staff-{n}-duty", 60, need=False), typed.text(f"staff-{n}-paper", 60, need=False)
    name = typed.text(f"staff-{n}-name", 60, need=bool(duty or paper))
    return Staff(name, duty, paper, typed.ticked(f"staff-{n}-full")) if name else None


def _room(typed: Typed, n: int) -> Room | None:
    address = typed.text(f"room-{n}-address", 200, need=False)
    name = typed.text(f"room-{n}-name", 60, need=bool(address))
    seats = typed.whole(f"room-{n}-seats", 0, 9_999, need=False) or 0
    return Room(name, address, seats, typed.ticked(f"room-{n}-recording")) if name else None


def read_dossier(form: Form, staff_min: int) -> tuple[Dossier, list[Fault]]:
    """The dossier as typed and what is wrong with it, lacking conditions among it."""
    typed = Typed(form, "agency.label")
    found = Dossier(
        name=typed.text("name", 200),
        uscc=typed.text("uscc", 40),
        region=read_region(typed),
        head_name=typed.text("head_name", 100),
        address=typed.text("address", 300),
        contact=typed.text("contact", 100),
        phone=typed.text("phone", 30),
        fee=typed.text("fee", 500),
        staff=tuple(one for n in range(1, STAFF_MAX + 1) if (one := _staff(typed, n))),
        rooms=tuple(room for n in range(1, ROOMS_MAX + 1) if (room := _room(typed, n))),
    )
    if len({one.name for one in found.staff}) < len(found.staff):
        typed.wrong("staff-1-name", "agency.staff_twice")
    for short in shortcomings(found, staff_min):
        if short is not Shortcoming.ADDRESS:
            typed.wrong(_AT[short], f"agency.short_{short}", least=staff_min)
    return found, typed.faults


def read_change(form: Form, faults: list[Fault], today: date) -> date | None:
    """Since when a change of a published agency holds; noted in ``faults`` where it is no day, or one to come."""
    typed = Typed(form, "agency.label")
    text = typed.raw("changed_on")
    try:
        since = date.fromisoformat(text)
    except ValueError:
        typed.wrong("changed_on", "filing.day_wrong" if text else "typed.missing")
        faults += typed.faults
        return None
    if not EARLIEST <= since <= today:
        typed.wrong("changed_on", "agency.changed_later")
    faults += typed.faults
    return since


def as_typed(dossier: Dossier) -> dict[str, str]:
    """A dossier as the fields of its form."""
    f = {name: getattr(dossier, name) for name in Dossier.__struct_fields__ if name not in ("staff", "rooms")}
    for n, one in enumerate(dossier.staff, 1):
        f |= {f"staff-{n}-name": one.name, f"staff-{n}-duty": one.duty, f"staff-{n}-paper": one.paper}
        f[f"staff-{n}-full"] = "1" if one.full else ""
    for n, room in enumerate(dossier.rooms, 1):
        f |= {f"room-{n}-name": room.name, f"room-{n}-address": room.address, f"room-{n}-seats": str(room.seats)}
        f[f"room-{n}-recording"] = "1" if room.recording else ""
    return f


def as_lines(dossier: Dossier) -> dict[str, str]:
    """A dossier field by field as text, repeated parts in one field each."""
    plain = {name: value for name, value in as_typed(dossier).items() if "-" not in name}
    staff = [" ".join(filter(None, (one.name, one.duty, one.paper, "✓" * one.full))) for one in dossier.staff]
    rooms = [f"{one.name} {one.address} {one.seats or ''} {'✓' * one.recording}".strip() for one in dossier.rooms]
    return plain | {"staff": "；".join(staff), "rooms": "；".join(rooms)}


def lines_for(dossier: Dossier, sight: Sight) -> dict[str, str]:
    """The dossier field by field, masked for this sight: people by family name, contacts by role."""
    lines = as_lines(dossier)
    if sight is Sight.WHOLE:
        return lines
    if sight is Sight.PARTY:
        return lines | {"phone": masked_phone(dossier.phone)}
    lines["staff"] = "；".join(f"{one.name[:1]}** {one.duty} {'✓' * one.full}".strip() for one in dossier.staff)
    return {name: text for name, text in lines.items() if name not in _HIDDEN}
