"""Looks at one paper in a process of its own, with little time and memory: some are made to break their reader.

``python look.py KIND SIDE_MIN PIXELS_MAX PAGES_MAX < paper``; the answer is one line of JSON.
"""

from __future__ import annotations

import io
import json
import logging
import re
import resource
import sys
import warnings
from typing import Any

CPU_S, MEMORY_BYTES = 8, 1 << 30
OBJECTS_MAX = 5_000
EDITORS = re.compile(
    r"photoshop|gimp|lightroom|snapseed|meitu|美图|美圖|picsart|paint|canva|pixelmator|affinity|稿定|醒图|coreldraw",
    re.I,
)


def picture(raw: bytes, side_min: int, pixels_max: int) -> dict[str, Any]:
    """Decode all of it; which program made it, as far as it says."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # its size is looked at before it is decoded
    with Image.open(io.BytesIO(raw), formats=["PNG", "JPEG"]) as found:
        width, height = found.size
        if width * height > pixels_max:
            return {"wrong": "large"}
        if min(width, height) < side_min:
            return {"wrong": "small"}
        notes = [read(value)[:5_000] for value in found.info.values() if isinstance(value, str | bytes)]
        notes += [str(found.getexif().get(tag, "")) for tag in (0x0131, 0x010E, 0x013B)]
        found.load()
    return {"width": width, "height": height, "pages": 1, "edited_with": editor(" ".join(notes))}


def read(value: str | bytes) -> str:
    """A note as text."""
    return value if isinstance(value, str) else value.decode(errors="replace")


def document(raw: bytes, pages_max: int) -> dict[str, Any]:
    """Read its structure: what is locked, acts by itself, or has too many pages is not taken."""
    from pypdf import PdfReader

    logging.disable(logging.CRITICAL)
    reader = PdfReader(io.BytesIO(raw))
    if reader.is_encrypted:
        return {"wrong": "locked"}
    size = int(str(reader.trailer.get("/Size", 0)))
    if active(raw) or any(active(told(reader, n)) for n in range(1, min(size, OBJECTS_MAX))):
        return {"wrong": "active"}
    pages = len(reader.pages)
    if not 1 <= pages <= pages_max or size > OBJECTS_MAX:
        return {"wrong": "pages"}
    notes = " ".join(str(value) for value in (reader.metadata or {}).values())
    return {"width": 0, "height": 0, "pages": pages, "edited_with": editor(notes)}


def told(reader: Any, number: int) -> bytes:
    """One object of a PDF as text, its names unescaped; what cannot be read is not there for a viewer either."""
    try:
        return repr(reader.get_object(number)).encode(errors="replace")
    except Exception:
        return b""


def active(text: bytes) -> bool:
    """Whether something in it would run, open or carry another file."""
    return re.search(rb"/(?:JavaScript|JS|Launch|EmbeddedFile|RichMedia|XFA)\b", text) is not None


def editor(notes: str) -> str:
    """The editor of pictures that the notes name; empty for none."""
    found = EDITORS.search(notes)
    return found.group(0) if found else ""


def main() -> None:
    """Read, look, answer."""
    for what, most in ((resource.RLIMIT_CPU, CPU_S), (resource.RLIMIT_AS, MEMORY_BYTES), (resource.RLIMIT_FSIZE, 0)):
        resource.setrlimit(what, (most, most))
    warnings.simplefilter("ignore")
    kind, side_min, pixels_max, pages_max = sys.argv[1], *map(int, sys.argv[2:5])
    raw = sys.stdin.buffer.read()
    try:
        told = document(raw, pages_max) if kind == "pdf" else picture(raw, side_min, pixels_max)
    except (Exception, RecursionError):
        told = {"wrong": "broken"}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
