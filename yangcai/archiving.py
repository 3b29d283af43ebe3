"""``yangcai archive``: the archive of a case as a file, and a line in the audit trail that it was made."""

from __future__ import annotations

import os
from pathlib import Path

READERS = ("host", "supervisor")


async def run(postgres_url: str, case: str, reader: str, out: Path | None) -> tuple[str, bool]:
    """What to say, and whether the file was written. Never over an existing one; for its owner's eyes only."""
    from accounts.audit import audit
    from auction.case import archive
    from plumbing import postgres
    from plumbing.problems import Problem
    from server.site import load_texts

    if reader not in READERS:
        return f"--reader: {' or '.join(READERS)} is wanted, found {reader!r}", False
    pool = await postgres.open_pool(postgres_url, size_max=2, statement_timeout_ms=0)
    try:
        found = await archive.case_named(pool, case)
        if found is None:
            return f"no case has the number or id {case}", False
        try:
            name, content = await archive.archive(pool, found, reader, load_texts())
        except Problem:
            return f"{case}: a lot of this case is not over yet", False
        path = out or Path(name)
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
        except FileExistsError:
            return f"{path} exists already", False
        await audit(pool, None, "paper.fetched", f"auction:{found}", detail={"by": "command line", "for": reader})
        return f"{path}: {len(content)} bytes", True
    finally:
        await pool.close()
