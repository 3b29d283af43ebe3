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
