"""The dossier as typed 档案表单: read strictly, and written back as the fields of its form."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

from msgspec import structs

from plumbing.typed import Fault, Typed
from plumbing.web import Form
from registries.suppliers.dossier import (
    Account,
    Certificate,
    Dossier,
    Shareholder,
    masked_number,
    number_is_sound,
    number_key,
)
from registries.suppliers.model import SizeClass
from standards import regions
from standards import uscc as codes
from standards.categories import is_code
from standards.money import plain

LABELS = "supplier.label"
CATEGORIES_MAX = 20
SHAREHOLDERS_MAX, CERTIFICATES_MAX, ACCOUNTS_MAX = 6, 6, 3
NOTHING = Dossier(name="", uscc="", region="")


def read_scope(typed: Typed) -> tuple[str, ...]:
    """The categories, as typed with blanks or commas between."""
    parts = typed.raw("categories").replace("，", " ").replace("、", " ").replace(",", " ").upper().split()
    scope = tuple(dict.fromkeys(parts))
    if not scope or len(scope) > CATEGORIES_MAX or not all(is_code(one) for one in scope):
        typed.wrong("categories", "typed.choice" if scope else "typed.missing")
    return scope


def read_region(typed: Typed) -> str:
    """The home, one of the known places."""
    region = typed.raw("region")
    if not regions.is_code(region) or region not in regions.NAMES:
        typed.wrong("region", "typed.choice" if region else "typed.missing")
    return region


def read_head(typed: Typed, secret: bytes, before: Dossier) -> tuple[str, str, str]:
    """Name, masked number and key of the head 单位负责人; an empty number leaves the one that is known."""
    name = typed.text("head_name", 100)
    number = typed.raw("head_id").upper()
    if number in ("", before.head_number) and before.head_key:
        return name, before.head_number, before.head_key
    if not number or not number_is_sound(number):
        typed.wrong("head_id", "supplier.number_wrong" if number else "typed.missing")
        return name, "", ""
    return name, masked_number(number), number_key(secret, number)


def _shareholder(typed: Typed, n: int, secret: bytes, before: Dossier) -> Shareholder | None:
    name, number = typed.text(f"holder-{n}-name", 200, need=False), typed.raw(f"holder-{n}-number").upper()
    share = typed.raw(f"holder-{n}-share")
    if not (name or number or share):
        return None
    if not name:
        typed.wrong(f"holder-{n}-name", "typed.missing")
    share_bp = (typed.percent(f"holder-{n}-share") or 0) if share not in ("", "0", "0%") else 0
    manages = typed.ticked(f"holder-{n}-manages")
    known = next((each for each in before.shareholders if number and each.number == number), None)
    if known is not None:
        return Shareholder(name, known.key, known.number, share_bp, manages)
    if number and number == before.head_number:
        return Shareholder(name, before.head_key, number, share_bp, manages)
    checked = codes.check(number)
    if checked.acceptable and len(number) == codes.LENGTH and not number_is_sound(number):
        return Shareholder(name, checked.code, checked.code, share_bp, manages)
    if not number or not number_is_sound(number):
        typed.wrong(f"holder-{n}-number", "supplier.number_wrong" if number else "typed.missing")
        return None
    return Shareholder(name, number_key(secret, number), masked_number(number), share_bp, manages)


def read_holders(typed: Typed, secret: bytes, before: Dossier) -> tuple[Shareholder, ...]:
    """The shareholders and managing bodies; together no more than the whole."""
    holders = [_shareholder(typed, n, secret, before) for n in range(1, SHAREHOLDERS_MAX + 1)]
    if sum(each.share_bp for each in holders if each) > 10_000:
        typed.wrong("holder-1-share", "supplier.shares_too_many")
    return tuple(each for each in holders if each)


def _certificate(typed: Typed, n: int, files: Collection[str]) -> Certificate | None:
    kind, number = typed.text(f"paper-{n}-kind", 60, need=False), typed.text(f"paper-{n}-number", 60, need=False)
    until, file = typed.raw(f"paper-{n}-until"), typed.raw(f"paper-{n}-file")
    if not (kind or number or until or file):
        return None
    if not kind:
        typed.wrong(f"paper-{n}-kind", "typed.missing")
    if not number:
        typed.wrong(f"paper-{n}-number", "typed.missing")
    try:
        valid_to = date.fromisoformat(until) if until else None
    except ValueError:
        typed.wrong(f"paper-{n}-until", "filing.day_wrong")
        return None
    if file and file not in files:
        typed.wrong(f"paper-{n}-file", "supplier.paper_gone")
    return Certificate(kind, number, valid_to, file)


def _account(typed: Typed, n: int, before: Dossier) -> Account | None:
    bank, number = typed.text(f"account-{n}-bank", 100, need=False), typed.raw(f"account-{n}-number").replace(" ", "")
    if not (bank or number):
        return None
    if not bank:
        typed.wrong(f"account-{n}-bank", "typed.missing")
    if not (number.isascii() and number.replace("-", "").isdigit() and 6 <= len(number) <= 32):
        typed.wrong(f"account-{n}-number", "supplier.account_wrong" if number else "typed.missing")
    return Account(bank, number)


def _still_good(typed: Typed, papers: list[Certificate | None], before: Dossier, today: date) -> None:
    """A certificate that is over is not filed; one that was filed while it held may stay until it is renewed."""
    for n, paper in enumerate(papers, 1):
        known = any(paper and structs.replace(each, file=paper.file) == paper for each in before.certificates)
        if paper and paper.valid_to and paper.valid_to < today and not known:
            typed.wrong(f"paper-{n}-until", "supplier.certificate_over")


def read_dossier(
    form: Form, secret: bytes, today: date, before: Dossier = NOTHING, files: Collection[str] = ()
) -> tuple[Dossier, list[Fault]]:
    """The dossier as typed and what is wrong with it. ``before``: what is known; its numbers stay. ``files``: the ids
    of the firm's own papers.
    """
    typed = Typed(form, LABELS)
    head_name, head_number, head_key = read_head(typed, secret, before)
    papers = [_certificate(typed, n, files) for n in range(1, CERTIFICATES_MAX + 1)]
    _still_good(typed, papers, before, today)
    accounts = [_account(typed, n, before) for n in range(1, ACCOUNTS_MAX + 1)]
    found = Dossier(
        name=typed.text("name", 200),
        uscc=typed.text("uscc", 40),
        region=read_region(typed),
        categories=read_scope(typed),
        size_class=typed.choice("size_class", SizeClass, SizeClass.UNKNOWN),
        prison=typed.ticked("prison"),
        welfare=typed.ticked("welfare"),
        head_name=head_name,
        head_number=head_number,
        head_key=head_key,
        address=typed.text("address", 300, need=False),
        capital_fen=typed.money("capital", need=False) or 0,
        contact=typed.text("contact", 100),
        phone=typed.text("phone", 30),
        shareholders=read_holders(typed, secret, before),
        certificates=tuple(each for each in papers if each),
        accounts=tuple(each for each in accounts if each),
    )
    return found, typed.faults


def files_in(f: Mapping[str, str]) -> list[str]:
    """The papers that a form names."""
    return [f[key] for n in range(1, CERTIFICATES_MAX + 1) if f.get(key := f"paper-{n}-file")]


def files_of(dossier: Dossier) -> list[str]:
    """The papers that a dossier names."""
    return [each.file for each in dossier.certificates if each.file]


def _mark(file: str) -> str:
    """How a line tells one paper from another."""
    return f"（附件 {file[-4:]}）" if file else ""


def as_typed(dossier: Dossier) -> dict[str, str]:
    """A dossier as the fields of its form; numbers of identity papers masked."""
    f = {
        "name": dossier.name, "uscc": dossier.uscc, "region": dossier.region,
        "categories": " ".join(dossier.categories), "size_class": dossier.size_class.value,
        "prison": "1" if dossier.prison else "", "welfare": "1" if dossier.welfare else "",
        "head_name": dossier.head_name, "head_id": dossier.head_number, "address": dossier.address,
        "capital": plain(dossier.capital_fen) if dossier.capital_fen else "", "contact": dossier.contact,
        "phone": dossier.phone,
    }  # fmt: skip
    for n, holder in enumerate(dossier.shareholders, 1):
        f |= {
            f"holder-{n}-name": holder.name, f"holder-{n}-number": holder.number,
            f"holder-{n}-share": f"{holder.share_bp / 100:g}", f"holder-{n}-manages": "1" if holder.manages else "",
        }  # fmt: skip
    for n, paper in enumerate(dossier.certificates, 1):
        until = paper.valid_to.isoformat() if paper.valid_to else ""
        f |= {f"paper-{n}-kind": paper.kind, f"paper-{n}-number": paper.number, f"paper-{n}-until": until}
        f[f"paper-{n}-file"] = paper.file
    for n, account in enumerate(dossier.accounts, 1):
        f |= {f"account-{n}-bank": account.bank, f"account-{n}-number": account.number}
    return f


def as_lines(dossier: Dossier) -> dict[str, str]:
    """A dossier field by field as text, repeated parts in one field each."""
    f = as_typed(dossier)
    plain_fields = {name: value for name, value in f.items() if "-" not in name}
    holders = [f"{s.name} {s.number} {s.share_bp / 100:g}%{' ✓' if s.manages else ''}" for s in dossier.shareholders]
    papers = [f"{c.kind} {c.number} {c.valid_to or '—'}{_mark(c.file)}" for c in dossier.certificates]
    accounts = [f"{a.bank} {a.number}" for a in dossier.accounts]
    return plain_fields | {
        "shareholders": "；".join(holders), "certificates": "；".join(papers), "accounts": "；".join(accounts),
    }  # fmt: skip
