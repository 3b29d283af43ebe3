"""商品名称的词: a name as words that are looked for, as sounds 拼音, and as the key that tells doubles. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache

_PIECES = re.compile(r"[\u3400-\u9fff]+|[a-z0-9]+(?:[.\-/_+][a-z0-9]+)*|[^\W_]+")
_HAN = re.compile(r"[\u3400-\u9fff]+")
_PARTS = re.compile(r"[a-z]+|[0-9]+(?:\.[0-9]+)?")
_SIGNS = re.compile(r"[^a-z0-9\u3400-\u9fff]+")
SOUNDS_MAX = 600


def folded(text: str) -> str:
    """The text in one width and small letters: ＤＥＬＬ is dell."""
    return unicodedata.normalize("NFKC", text).lower()


def bare(text: str) -> str:
    """Letters, digits and Han characters only: a model however it is written."""
    return _SIGNS.sub("", folded(text))


def pieces(text: str) -> list[str]:
    """Runs of Han characters and words of letters and digits, in their order."""
    return _PIECES.findall(folded(text))


def tokens(text: str) -> list[str]:
    """The words by which a text is found, each once: pairs of Han characters, words, and the parts of a model."""
    found: dict[str, None] = {}
    for piece in pieces(text):
        if _HAN.fullmatch(piece):
            found.update(dict.fromkeys(piece))
            found.update(dict.fromkeys(piece[at : at + 2] for at in range(len(piece) - 1)))
        else:
            found.update(dict.fromkeys([bare(piece), *(bare(part) for part in re.split(r"[.\-/_+]", piece))]))
    return [each for each in found if each]


def wanted(text: str) -> list[str]:
    """The words that something found must have: as ``tokens``, single characters only where they stand alone."""
    found: dict[str, None] = {}
    for piece in pieces(text):
        if _HAN.fullmatch(piece) and len(piece) > 1:
            found.update(dict.fromkeys(piece[at : at + 2] for at in range(len(piece) - 1)))
        else:
            found[bare(piece)] = None
    return [each for each in found if each]


@lru_cache(maxsize=50_000)
def _spoken(run: str) -> tuple[str, str]:
    from pypinyin import Style, lazy_pinyin  # its tables take a third of a second, which no start waits for

    return "".join(lazy_pinyin(run)), "".join(lazy_pinyin(run, style=Style.FIRST_LETTER))


def sounds(text: str) -> str:
    """The text as it is spoken and typed: pinyin and its first letters of each Han run, other words as they are."""
    found: dict[str, None] = {}
    for piece in pieces(text):
        found.update(dict.fromkeys(_spoken(piece) if _HAN.fullmatch(piece) else [bare(piece)]))
    return " ".join(found)[:SOUNDS_MAX]


def spoken(text: str) -> str:
    """What was typed, as ``sounds`` would have it, without first letters: 联响 is lianxiang, as 联想 is."""
    return " ".join(_spoken(piece)[0] if _HAN.fullmatch(piece) else bare(piece) for piece in pieces(text))


def identity(brand: str, model: str, name: str, attributes: Mapping[str, str]) -> str:
    """The key by which one product is known again, however its name, price or picture are changed.

    Brand, model and attributes; without a model the words of the name, in any order.
    """
    what = bare(model) or " ".join(sorted(set(_words(pieces(name)))))
    return "|".join([bare(brand), what, *(f"{bare(k)}={bare(v)}" for k, v in sorted(attributes.items()))])


def _words(found: Iterable[str]) -> Iterable[str]:
    for piece in found:
        yield from [piece] if _HAN.fullmatch(piece) else _PARTS.findall(piece)
