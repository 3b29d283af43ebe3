"""参数的读写: a value as people read it, and as they type it."""

from __future__ import annotations

import re
from collections.abc import Callable

from standards.money import MoneyError, parse_yuan, plain, yuan
from standards.parameters import Kind, Parameter, Value

_WHOLE = re.compile(r"[0-9]{1,12}", re.ASCII)
Say = Callable[..., str]


def shown(parameter: Parameter, value: Value, say: Say) -> str:
    """``¥1,000,000.00``, ``20%``, ``30 分钟``, ``是``."""
    if isinstance(value, bool):
        return say("param_is.yes" if value else "param_is.no")
    if isinstance(value, str):
        return say(f"param_is.{value}")
    if parameter.kind is Kind.FEN:
        return yuan(value)
    if parameter.kind is Kind.BASIS_POINTS:
        return f"{value / 100:g}%"
    return say(f"param_is.{parameter.kind}", n=value)


def bounds(parameter: Parameter, say: Say) -> str:
    """What is accepted, for numbers; empty for others."""
    if parameter.kind in (Kind.FLAG, Kind.CHOICE):
        return ""
    return f"{shown(parameter, parameter.least, say)} - {shown(parameter, parameter.most, say)}"


def typed(parameter: Parameter, text: str) -> Value | None:
    """The value typed into a form: yuan for money, per cent for basis points; None when it is none of its kind."""
    text = text.strip()
    match parameter.kind:
        case Kind.FLAG:
            return {"1": True, "0": False}.get(text)
        case Kind.CHOICE:
            return text if text in parameter.words else None
        case Kind.FEN | Kind.BASIS_POINTS:
            value = 0 if text in ("0", "0%") else parse_yuan(text.removesuffix("%").strip())
            return None if isinstance(value, MoneyError) else value
        case _:
            return int(text) if _WHOLE.fullmatch(text) else None


def field(parameter: Parameter, value: Value) -> str:
    """The value as its form field begins with it; ``typed`` reads it back."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, str):
        return value
    if parameter.kind is Kind.FEN:
        return plain(value)
    return f"{value / 100:g}" if parameter.kind is Kind.BASIS_POINTS else str(value)
