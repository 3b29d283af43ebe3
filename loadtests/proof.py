"""``docs/proof.md`` 证明: what the suites found, each in a section that the suite itself wrote.

A suite keeps its section as JSON in ``docs/proof/NAME.json``; the page is put together from all that are there, so that
one suite is run again without the others.
"""

from __future__ import annotations

import json
from pathlib import Path

HEAD = """# What is proved 证明

Put together from what the suites wrote down (`docs/proof/`). Not to be edited: run a suite again, with
`--proof docs/proof.md`.
"""


def write(page: Path, name: str, title: str, text: str) -> None:
    """Keep ``text`` as the section ``name`` (sections stand in the order of their names), and write the page anew."""
    folder = page.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    told = json.dumps({"title": title, "text": text}, ensure_ascii=False, indent=1)
    (folder / f"{name}.json").write_text(told + "\n", encoding="utf-8")
    sections = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    parts = [HEAD, *(f"\n## {one['title']}\n{one['text'].rstrip()}\n" for one in sections)]
    page.write_text("".join(parts), encoding="utf-8")
