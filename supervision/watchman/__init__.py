"""旁路审计: the watchman, a process of its own with its own store, key and administrators.

Follows the audit trail as it happens (``following``), compares it with what it saw before, warns by rules (``rules``),
and bars persons until two administrators release them. Its store is one SQLite file (``store``); its site is ``pages``.
"""
