"""统一社会信用代码 (GB 32100-2015): a code is checked, and a doubt is a warning, not a refusal.

Some issued codes carry a wrong check character and are in use (91350211M0000XUF46 computes R): such a supplier is asked
for a proof that a person looks at; he is not turned away.
"""

from __future__ import annotations

import re
from enum import StrEnum

from msgspec import Struct
from stdnum.cn import uscc as _stdnum

LENGTH = 18
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_SHAPE = re.compile(rf"[{ALPHABET}]{{2}}[0-9]{{6}}[{ALPHABET}]{{10}}", re.ASCII)


class UsccIssue(StrEnum):
    """What is wrong with a code. The first three make it no code at all; the last is a warning."""

    LENGTH = "length"
    CHARACTERS = "characters"
    REGION = "region"
    CHECK_CHARACTER = "check_character"


class UsccCheck(Struct, frozen=True):
    """The outcome. ``code`` is normalised; ``expected`` the check character computed ("" if none could be)."""

    code: str
    issue: UsccIssue | None
    expected: str

    @property
    def acceptable(self) -> bool:
        """Whether it may be recorded: sound, or only its check character differs."""
        return self.issue in (None, UsccIssue.CHECK_CHARACTER)

    @property
    def needs_proof(self) -> bool:
        """Whether a person must look at the certificate."""
        return self.issue is UsccIssue.CHECK_CHARACTER


def check(text: str) -> UsccCheck:
    """Check a code as typed: blanks and dashes are dropped, small letters raised. Never raises."""
    code = re.sub(r"[\s-]", "", text).upper()
    if len(code) != LENGTH:
        return UsccCheck(code, UsccIssue.LENGTH, "")
    if any(char not in ALPHABET for char in code):
        return UsccCheck(code, UsccIssue.CHARACTERS, "")
    if not _SHAPE.fullmatch(code):
        return UsccCheck(code, UsccIssue.REGION, "")
    expected = check_character(code[:17])
    return UsccCheck(code, None if code[17] == expected else UsccIssue.CHECK_CHARACTER, expected)


def check_character(body: str) -> str:
    """The 18th character of the first 17: ``(31 - sum mod 31) mod 31`` (many programs forget the outer mod)."""
    return str(_stdnum.calc_check_digit(body))
