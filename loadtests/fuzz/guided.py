"""Readers under atheris (libFuzzer): inputs that grow towards the branches of the code not yet seen.

A process of its own, since libFuzzer never gives its process back and code must be instrumented as it is imported:
``python -m loadtests.fuzz.guided FOLDER RUNS SEED STRICT``. The first byte of an input names its reader. FOLDER has
``corpus`` (inputs that reached something new, grown from call to call) and ``broken.jsonl`` (an object for each fault).
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import traceback
from importlib.util import find_spec
from pathlib import Path
from typing import Any

CORPUS, BROKEN = "corpus", "broken.jsonl"
LENGTH_MAX, HANGS_S, MEMORY_MB = 16_384, 10, 2_048
SEEDS_EACH = 30
REACHED = re.compile(rb"cov: (\d+)")
ROOMS = ("accounts", "auction", "ledger", "plumbing", "standards", "loadtests.fuzz.inside")


def is_here() -> bool:
    """Whether atheris is installed: its wheels are for Linux on x86-64 alone."""
    return find_spec("atheris") is not None


def as_bytes(given: Any) -> bytes:
    """What a reader is given, as bytes of the corpus: a form field by field."""
    if isinstance(given, dict):
        given = "\0".join(part for pair in given.items() for part in pair)
    return given if isinstance(given, bytes) else str(given).encode("utf-8", "surrogatepass")


def as_given(content: bytes, like: Any) -> Any:
    """Bytes of libFuzzer as something ``like`` what the reader is given."""
    if isinstance(like, bytes):
        return content
    text = content.decode("utf-8", "replace")
    if isinstance(like, dict):
        parts = text.split("\0")
        return dict(zip(parts[::2], parts[1::2], strict=False))
    return text


def plant(folder: Path, seed: int, more: dict[int, list[bytes]]) -> None:
    """The first corpus: what the dice make for each reader, and ``more`` for the readers it names."""
    from loadtests.fuzz.inside import READERS
    from loadtests.fuzz.seeds import Seeds

    corpus, seeds = folder / CORPUS, Seeds(random.Random(seed))
    corpus.mkdir(parents=True, exist_ok=True)
    for i, reader in enumerate(READERS):
        for k, given in enumerate([*(as_bytes(reader.make(seeds)) for _ in range(SEEDS_EACH)), *more.get(i, ())]):
            (corpus / f"seed-{i}-{k}").write_bytes(bytes([i]) + given[: LENGTH_MAX - 1])


async def grow(folder: Path, runs: int, seed: int, strict: str = "") -> tuple[int, list[str]]:
    """Give ``runs`` inputs to the readers: how many edges of the code were reached, and what broke.

    ``strict``: the name of a reader that may refuse nothing, which must be found out.
    """
    broken = folder / BROKEN
    broken.unlink(missing_ok=True)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtests.fuzz.guided", str(folder), str(runs), str(seed), strict,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    wrong = [str(json.loads(line)) for line in broken.read_text().splitlines()] if broken.exists() else []
    if process.returncode:
        wrong.append(f"libFuzzer ended with {process.returncode}: {said[-1_500:].decode('utf-8', 'replace')}")
    return max(map(int, REACHED.findall(said)), default=0), wrong


class Faults:
    """What broke, written down once for each place in the code."""

    def __init__(self, file: Path) -> None:
        self._file, self._known = file, set[object]()

    def keep(self, reader: str, given: bytes, error: Exception) -> None:
        """``reader`` raised ``error`` at ``given``."""
        at = traceback.extract_tb(error.__traceback__)[-1]
        where = (reader, type(error), at.filename, at.lineno)
        if where not in self._known:
            self._known.add(where)
            found = {"reader": reader, "given": repr(given[:300]), "error": repr(error)[:300]}
            with self._file.open("a") as file:
                file.write(json.dumps(found | {"at": f"{at.filename}:{at.lineno}"}) + "\n")


def main(folder: Path, runs: int, seed: int, strict: str) -> None:
    """Give the inputs. Never returns."""
    import atheris

    with atheris.instrument_imports(include=list(ROOMS), enable_loader_override=False):
        from loadtests.fuzz.inside import READERS
    from loadtests.fuzz.seeds import Seeds

    likes, faults = [reader.make(Seeds(random.Random(0))) for reader in READERS], Faults(folder / BROKEN)

    def one(content: bytes) -> None:
        at = content[0] % len(READERS) if content else 0
        reader = READERS[at]
        try:
            reader.read(as_given(content[1:], likes[at]))
        except Exception as error:
            if not isinstance(error, reader.refuses) or reader.name == strict:
                faults.keep(reader.name, content[1:], error)

    options = (f"-runs={runs}", f"-seed={seed}", f"-max_len={LENGTH_MAX}", f"-timeout={HANGS_S}")
    bounds = (f"-rss_limit_mb={MEMORY_MB}", f"-artifact_prefix={folder}/", str(folder / CORPUS))
    atheris.Setup([sys.argv[0], *options, *bounds], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
