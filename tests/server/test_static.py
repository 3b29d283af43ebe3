"""Static files: vendored packages are what they say, style sheets need no young browser, pages obey their policy."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest

from tests.support import ROOT

STATIC = ROOT / "server" / "static"
VENDOR = STATIC / "vendor"
PAGES = sorted([*ROOT.glob("*/pages/*.html"), *ROOT.glob("*/*/pages/*.html")])


def test_every_vendored_file_is_listed_with_its_digest_and_licence() -> None:
    manifest = json.loads((VENDOR / "manifest.json").read_text())
    code = {str(path.relative_to(VENDOR)) for path in VENDOR.rglob("*") if path.suffix in (".js", ".mjs", ".css")}
    assert code == set(manifest)
    for name, entry in manifest.items():
        digest = hashlib.sha384((VENDOR / name).read_bytes()).digest()
        assert entry["integrity"] == "sha384-" + base64.b64encode(digest).decode(), name
        folder = VENDOR / name.split("/")[0]
        assert folder.name == f"{entry['package'].rsplit('/', 1)[-1]}-{entry['version']}"
        assert list(folder.glob("LICENSE*")), f"{folder.name} has no licence"


@pytest.mark.parametrize("path", sorted((STATIC / "css").glob("*.css")), ids=lambda path: path.name)
def test_style_sheets_use_nothing_newer_than_chromium_109(path: object) -> None:
    css = re.sub(r"/\*.*?\*/", "", (STATIC / "css" / getattr(path, "name", "")).read_text(), flags=re.S)
    for young in (r":has\(", r"oklch\(", r"oklab\(", r"color-mix\(", r"\blight-dark\(", r"@layer\s*{", r"@scope",
                  r"@starting-style", r"popover", r"anchor\(", r"text-wrap", r"(?m)^\s*&"):  # fmt: skip
        assert not re.search(young, css), young
    assert "url(http" not in css


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_pages_carry_no_inline_script_or_style(path: object) -> None:
    html = path.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", html)
    for tag in re.findall(r"<script[^>]*>", html):
        assert "src=" in tag or 'type="application/json"' in tag
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", html)


def test_page_names_are_unique_over_the_rooms() -> None:
    names = [path.name for path in PAGES]
    assert len(names) == len(set(names))


def a_theme(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{3,6})", block))


def light_of(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(c * 2 for c in colour[1:])
    parts = [int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((light_of(one), light_of(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_colour_is_readable_on_its_ground(theme: str) -> None:
    tokens = (STATIC / "css" / "tokens.css").read_text()
    light, _, dark = tokens.partition("@media (prefers-color-scheme: dark)")
    colours = a_theme(light) | (a_theme(dark) if theme == "dark" else {})
    pairs = [(ink, ground) for ink in ("ink", "ink-2", "ink-3") for ground in ("card", "page", "sunken")]
    pairs += [(one, f"{one}-tint") for one in ("brand", "good", "warn", "bad")]
    pairs += [(one, "card") for one in ("brand", "good", "warn", "bad")]
    pairs += [("on-brand", "brand"), ("on-brand", "brand-press"), ("on-bad", "bad"), ("ink-2", "line-2")]
    faint = {f"{ink} on {ground}": round(contrast(colours[ink], colours[ground]), 2) for ink, ground in pairs}
    assert {pair: ratio for pair, ratio in faint.items() if ratio < 4.5} == {}
    assert contrast(colours["line-strong"], colours["card"]) >= 3
