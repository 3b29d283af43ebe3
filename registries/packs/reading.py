"""Reading a province pack: its files in, what it sets out, or every fault with its file. Pure: no I/O."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from accounts.flows.model import Kind as Business
from accounts.flows.model import Step
from accounts.flows.rules import judge as judge_flow
from registries.forms.model import Form, Kind
from registries.forms.model import fault_of as form_fault
from registries.parameters.importing import CATEGORIES, REGIONS, FileFault, Report, judge
from standards import categories, regions
from standards.params import RuleParam, fault_of, overlapping

MANIFEST, PARAMETERS, FLOWS = "pack.toml", "parameters.toml", "flows.toml"
TABLES = {"categories.csv": CATEGORIES, "regions.csv": REGIONS}
FORMS = {f"forms/{kind.value}.txt": kind for kind in Kind}
KNOWN = {MANIFEST, PARAMETERS, FLOWS, *TABLES, *FORMS}

Line = Annotated[str, Meta(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f]+$")]
Short = Annotated[str, Meta(max_length=60, pattern=r"^[^\x00-\x1f]*$")]


class Branding(Struct, frozen=True, forbid_unknown_fields=True):
    """What stands beside the name at the head of every page, in both languages; empty: the product's own."""

    claim_zh: Short = ""
    claim_en: Short = ""


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """``pack.toml``: whose pack it is, and from which day and which document its text forms are."""

    name: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{1,40}$")]
    version: Annotated[str, Meta(pattern=r"^[0-9A-Za-z.-]{1,40}$")]
    region: Annotated[str, Meta(pattern=r"^[1-9][0-9]$")]
    source: Line
    valid_from: date
    branding: Branding = Branding()


class _Value(Struct, frozen=True, forbid_unknown_fields=True):
    key: str
    value: bool | int | str
    valid_from: date
    source: str
    region: str = ""
    valid_to: date | None = None


class _Values(Struct, frozen=True, forbid_unknown_fields=True):
    parameter: list[_Value] = []


class Flow(Struct, frozen=True, forbid_unknown_fields=True):
    """An approval flow 审批流 that the pack sets for a place of the province (the whole, where none is named)."""

    kind: Business
    step: tuple[Step, ...]
    region: str = ""


class _Flows(Struct, frozen=True, forbid_unknown_fields=True):
    flow: list[Flow] = []


class Pack(Struct, frozen=True):
    """A pack without a fault. ``sha256`` is that of all its files."""

    manifest: Manifest
    params: list[RuleParam]
    forms: list[Form]
    tables: dict[str, dict[str, str]]
    flows: list[Flow]
    sha256: str


class Why(StrEnum):
    """What is wrong. Sentences: ``pack.<value>``; ``about`` says what with."""

    MISSING = "missing"
    STRANGE = "strange"
    UNREADABLE = "unreadable"
    PARAMETER = "parameter"
    OVERLAP = "overlap"
    OUTSIDE = "outside"
    FORM = "form"
    TABLE = "table"
    FLOW = "flow"


class Fault(Struct, frozen=True):
    """A fault: the file, why, and what it is about."""

    file: str
    why: Why
    about: str = ""


def read(files: Mapping[str, bytes]) -> Pack | list[Fault]:
    """What the files (by their path in the folder) set, or all that is wrong with them."""
    faults = [Fault(name, Why.STRANGE) for name in sorted(files.keys() - KNOWN)]
    if MANIFEST not in files:
        return [Fault(MANIFEST, Why.MISSING), *faults]
    manifest = _toml(files, MANIFEST, Manifest, faults)
    values = _toml(files, PARAMETERS, _Values, faults) if PARAMETERS in files else _Values()
    tables = _tables(files, faults)
    set_out = _toml(files, FLOWS, _Flows, faults) if FLOWS in files else _Flows()
    if manifest is None or values is None or set_out is None:
        return faults
    params = _params(manifest, values, faults)
    forms = _forms(files, manifest, faults)
    flows = _flows(manifest, set_out, faults)
    if faults:
        return faults
    whole = hashlib.sha256()
    for name in sorted(files):
        whole.update(f"{name}\0{hashlib.sha256(files[name]).hexdigest()}\n".encode())
    return Pack(manifest, params, forms, tables, flows, whole.hexdigest())


def _toml(files: Mapping[str, bytes], name: str, shape: type[Any], faults: list[Fault]) -> Any:
    try:
        return msgspec.convert(tomllib.loads(files[name].decode()), shape)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        faults.append(Fault(name, Why.UNREADABLE, str(error)))
        return None


def _tables(files: Mapping[str, bytes], faults: list[Fault]) -> dict[str, dict[str, str]]:
    known = {"categories.csv": {one.code: one.name for one in categories.SEED}, "regions.csv": regions.BUILT_IN}
    tables: dict[str, dict[str, str]] = {}
    for name in sorted(TABLES.keys() & files.keys()):
        judged = judge(files[name], known[name], TABLES[name])
        if isinstance(judged, FileFault):
            faults.append(Fault(name, Why.TABLE, judged.value))
            continue
        tables[name], report = judged
        faults += _lines(name, report)
    return tables


def _lines(name: str, report: Report) -> list[Fault]:
    return [Fault(name, Why.TABLE, f"{one.line}: {one.code} {one.name} ({one.fault})") for one in report.faulty]


def _params(manifest: Manifest, values: _Values, faults: list[Fault]) -> list[RuleParam]:
    params = [
        RuleParam(one.key, one.region or manifest.region, one.valid_from, one.valid_to, one.value, one.source)
        for one in values.parameter
    ]
    for param in params:
        if why := fault_of(param):
            faults.append(Fault(PARAMETERS, Why.PARAMETER, f"{param.key} ({why})"))
        elif not regions.within(param.region, manifest.region):
            faults.append(Fault(PARAMETERS, Why.OUTSIDE, f"{param.key} {param.region}"))
    for one, other in overlapping(params):
        about = f"{one.key} {one.region}: {one.valid_from} – {one.valid_to or '…'}, {other.valid_from}"
        faults.append(Fault(PARAMETERS, Why.OVERLAP, about))
    return params


def _flows(manifest: Manifest, set_out: _Flows, faults: list[Fault]) -> list[Flow]:
    flows: list[Flow] = []
    for one in set_out.flow:
        region = one.region or manifest.region
        wrong = judge_flow(one.kind, one.step)
        if wrong is not None:
            about = f"{one.kind} {region}: {wrong.step} {wrong.fault} {wrong.said}".rstrip()
            faults.append(Fault(FLOWS, Why.FLOW, about))
        elif not regions.is_prefix(region) or not regions.within(region, manifest.region):
            faults.append(Fault(FLOWS, Why.OUTSIDE, f"{one.kind} {region}"))
        elif any((one.kind, region) == (other.kind, other.region) for other in flows):
            faults.append(Fault(FLOWS, Why.OVERLAP, f"{one.kind} {region}"))
        flows.append(msgspec.structs.replace(one, region=region))
    return flows


def _forms(files: Mapping[str, bytes], manifest: Manifest, faults: list[Fault]) -> list[Form]:
    forms: list[Form] = []
    for name in sorted(FORMS.keys() & files.keys()):
        try:
            body = files[name].decode().replace("\r\n", "\n").strip()
        except UnicodeDecodeError as error:
            faults.append(Fault(name, Why.UNREADABLE, str(error)))
            continue
        form = Form(None, FORMS[name], manifest.region, 0, manifest.valid_from, body, manifest.source)
        if why := form_fault(form, None, date.min):
            faults.append(Fault(name, Why.FORM, why.value))
        forms.append(form)
    return forms
