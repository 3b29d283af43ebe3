"""The named queries of the product registry."""

from __future__ import annotations

from pathlib import Path

from plumbing import sql

SQL = sql.load(Path(__file__).with_name("records.sql"))
