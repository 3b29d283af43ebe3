"""The nouns of papers: what kinds are taken, what is refused, what looks edited. Pure."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

BYTES_MAX = 5 << 20
PAGES_MAX = 20
SIDE_MIN_PX, PIXELS_MAX = 200, 50_000_000
AN_HOUR = 60


class Kind(StrEnum):
    """What a paper is, by its content; its name says nothing."""

    PNG = "png"
    JPEG = "jpeg"
    PDF = "pdf"


MEDIA = {Kind.PNG: "image/png", Kind.JPEG: "image/jpeg", Kind.PDF: "application/pdf"}
MAGIC = {b"\x89PNG\r\n\x1a\n": Kind.PNG, b"\xff\xd8\xff": Kind.JPEG, b"%PDF-": Kind.PDF}


class Wrong(StrEnum):
    """Why a paper is not taken. Sentence: ``problem.paper_<value>``."""

    KIND = "kind"
    BROKEN = "broken"
    SMALL = "small"
    LARGE = "large"
    LOCKED = "locked"
    ACTIVE = "active"
    PAGES = "pages"


class Seen(Struct, frozen=True):
    """What was seen in a paper: width and height in pixels (a PDF: 0), pages, whether an editor of pictures made it."""

    width: int = 0
    height: int = 0
    pages: int = 1
    edited_with: str = ""


def kind_of(raw: bytes) -> Kind | None:
    """What it is by its first bytes."""
    return next((kind for magic, kind in MAGIC.items() if raw.startswith(magic)), None)
