"""docs/live-protocol.md tells the truth: every message has an example, every example is a message."""

from __future__ import annotations

import re

import msgspec
import pytest

from auction.lot import messages, views
from auction.lot.model import Refusal
from tests.support import ROOT

TEXT = (ROOT / "docs" / "live-protocol.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```json (client|server)\n(.+?)\n```", TEXT, re.S)
UNIONS = {"client": messages.FromClient, "server": messages.FromServer}


@pytest.mark.parametrize(("side", "example"), EXAMPLES)
def test_every_example_is_a_message_of_its_side(side: str, example: str) -> None:
    decoded = msgspec.json.decode(example, type=UNIONS[side])
    assert set(msgspec.json.decode(example)) <= {"t", *decoded.__struct_fields__}


@pytest.mark.parametrize("side", ["client", "server"])
def test_every_message_has_an_example(side: str) -> None:
    shown = {msgspec.json.decode(example)["t"] for which, example in EXAMPLES if which == side}
    known = {kind.__struct_config__.tag for kind in UNIONS[side].__args__}  # type: ignore[attr-defined]
    assert shown == known


def test_every_refusal_is_explained_in_its_order() -> None:
    table = TEXT.split("## Codes of a refused bid")[1].split("## Fields")[0]
    told = [
        code
        for row in table.splitlines()
        if row.startswith("| `")
        for code in re.findall(r"`([A-Z_]+)`", row.split("|")[1])
    ]
    assert told == [refusal.value for refusal in Refusal]


def test_every_field_of_a_view_is_explained() -> None:
    source = (ROOT / "auction" / "lot" / "views.py").read_text(encoding="utf-8")
    fields = set(re.findall(r'view\["(\w+)"\] =', source)) | {"stage", "opens_at", "closes_at", "left_ms", "ceiling"}
    table = TEXT.split("## Fields of a view")[1]
    told = {
        name
        for row in table.splitlines()
        if row.startswith("| `")
        for name in re.findall(r"`(\w+)`", row.split("|")[1])
    }
    assert fields <= told
    assert views.public_view
