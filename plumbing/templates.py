"""Pages: Jinja2 with everything escaped, ``t()`` for texts, and filters for money and time.

In a page: ``{{ t("room.rank", n=2) }}``, ``{{ fen|money }}``, ``{{ moment|when }}``, ``{{ static("css/base.css") }}``,
``{{ texts_for("room", "common") }}`` (the sentences a page module reads from ``#texts``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from plumbing.problems import language
from plumbing.texts import SHANGHAI, Texts, local, money
from plumbing.web import NOTE_COOKIE

WAN_FEN = 10_000 * 100
PLOT = "uPlot-1.6.32/uPlot.iife.min.js"
"""The chart library, among the vendored files."""
__all__ = ["PLOT", "SHANGHAI", "Templates", "as_data", "wan", "when"]


def when(moment: datetime | int | None, form: str = "minute") -> str:
    """A moment (datetime or epoch ms) in Shanghai time; ``form``: day, minute, second, ms, time."""
    if moment is None:
        return "—"
    there = local(moment)
    forms = {"day": "%Y-%m-%d", "minute": "%Y-%m-%d %H:%M", "second": "%Y-%m-%d %H:%M:%S", "time": "%H:%M:%S"}
    if form == "ms":
        return f"{there:%H:%M:%S}.{there.microsecond // 1000:03d}"
    return there.strftime(forms[form])


def wan(fen: int) -> str:
    """An amount in 万元, to the hundredth, rounded half up: ``42.86 万元``."""
    hundredths = (fen * 100 + WAN_FEN // 2) // WAN_FEN
    return f"{hundredths // 100:,}.{hundredths % 100:02d} 万元"


def as_data(value: Any) -> Markup:
    """JSON for a ``<script type="application/json">``, safe inside HTML."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return Markup(text.replace("<", "\\u003c").replace("&", "\\u0026"))  # noqa: S704 - neither tag nor entity is left


class Templates:
    """All page folders as one; pages are found by their file name, which is unique over the rooms."""

    def __init__(self, folders: Iterable[Path], texts: Texts, static_root: Path, shared: Mapping[str, Any]) -> None:
        self.texts = texts
        self.static_root = static_root
        self.shared = dict(shared)
        self._stamps: dict[str, str] = {}
        loader = FileSystemLoader([str(folder) for folder in folders])
        self.env = Environment(
            loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        self.env.filters.update(money=money, wan=wan, when=when)
        self.env.globals["static"] = self.static

    def static(self, path: str) -> str:
        """The address of a static file, with a stamp of its content so that it may be kept for ever."""
        if path not in self._stamps:
            self._stamps[path] = hashlib.sha256((self.static_root / path).read_bytes()).hexdigest()[:10]
        return f"/static/{path}?v={self._stamps[path]}"

    def vendored(self, path: str) -> dict[str, str]:
        """Where a vendored file lies, ``src``, with the digest the browser checks, ``integrity``."""
        manifest = json.loads((self.static_root / "vendor" / "manifest.json").read_text(encoding="utf-8"))
        return {"src": f"/static/vendor/{path}", "integrity": manifest[path]["integrity"]}

    def texts_for(self, lang: str, *sections: str) -> Markup:
        """A script element of data, id ``texts``, with every sentence of the sections in one language."""
        found: dict[str, str] = {}
        for section in sections:
            found.update(self.texts.section(section, lang))
        return Markup('<script type="application/json" id="texts">{}</script>').format(as_data(found))

    def page(self, request: Request, name: str, /, status: int = 200, **context: Any) -> HTMLResponse:
        """Render page ``name`` for this reader: his language, who he is, and the note of the step before, once."""
        lang = language(request)
        note = request.cookies.get(NOTE_COOKIE, "")
        known = note.startswith("note.") and note in self.texts
        given = {
            **self.shared,
            "request": request,
            "path": request.url.path,
            "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            "lang": lang,
            "status": status,
            "t": lambda key, **params: self.texts.say(key, lang, **params),
            "texts_for": partial(self.texts_for, lang),
            "actor": getattr(request.state, "who", None),
            "note": self.texts.say(note, lang) if known else "",
            **context,
        }
        html = self.env.get_template(name).render(given)
        response = HTMLResponse(html, status, headers={"Cache-Control": "no-store", "Vary": "Cookie"})
        if note:
            response.delete_cookie(NOTE_COOKIE)
        return response
