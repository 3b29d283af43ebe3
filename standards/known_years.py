"""The years whose holiday notices 国务院办公厅节假日安排 are known: month and day of weekdays off, and of make-up days.

Generated from the package ``holidays``; a test compares every day. Later years are loaded by an administrator.
"""

from __future__ import annotations

OFF: dict[int, str] = {
    2023: "0102 0123 0124 0125 0126 0127 0405 0501 0502 0503 0622 0623 0929 1002 1003 1004 1005 1006",
    2024: "0101 0212 0213 0214 0215 0216 0404 0405 0501 0502 0503 0610 0916 0917 1001 1002 1003 1004 1007",
    2025: "0101 0128 0129 0130 0131 0203 0204 0404 0501 0502 0505 0602 1001 1002 1003 1006 1007 1008",
    2026: "0101 0102 0216 0217 0218 0219 0220 0223 0406 0501 0504 0505 0619 0925 1001 1002 1005 1006 1007",
}
"""Mondays to Fridays that are no working days 放假."""

MAKE_UP: dict[int, str] = {
    2023: "0128 0129 0423 0506 0625 1007 1008",
    2024: "0204 0218 0407 0428 0511 0914 0929 1012",
    2025: "0126 0208 0427 0928 1011",
    2026: "0104 0214 0228 0509 0920 1010",
}
"""Saturdays and Sundays that are working days 调休上班."""
