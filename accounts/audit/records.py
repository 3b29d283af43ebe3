"""The queries of the audit trail."""

from __future__ import annotations

from pathlib import Path

from plumbing import sql

SQL = sql.load(Path(__file__).with_name("records.sql"))
SEARCH = f"""SELECT * FROM ({SQL["found"]}) AS f
WHERE $11::uuid IS NULL OR f.id < $11 ORDER BY f.id DESC LIMIT $12"""
"""Newest first, older than the act $11, at most $12."""
PER_HOUR = f"""SELECT date_trunc('hour', f.at) AS hour, f.result, count(*) AS acts FROM ({SQL["found"]}) AS f
GROUP BY 1, 2"""
"""How many acts in each hour, by outcome."""
