"""What is shown at the end: a table on the terminal, and the section on the page of proof."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table


def show(found: dict[str, Any], console: Console) -> None:
    """The table, and whatever broke."""
    table = Table("kind of input", "inputs", "through", "s", "answers", "broke", title="malformed input")
    for row in found["rows"]:
        answers = ", ".join(f"{name} {count:,}" for name, count in list(row["answers"].items())[:5])
        through = "the product" if row["whole_product"] else "the reader"
        style = "red" if row["wrong"] else "green"
        table.add_row(
            row["what"],
            f"{row['inputs']:,}",
            through,
            f"{row['took_s']:.0f}",
            answers,
            str(len(row["wrong"])),
            style=style,
        )
    console.print(table)
    told = "{acknowledged:,} bids of the canary acknowledged, p50 {p50_ms} ms, p99 {p99_ms} ms".format(
        **found["canary"]
    )
    console.print(f"{found['inputs']:,} inputs; {told}; {found['log_lines']:,} lines in the log", highlight=False)
    for wrong in [*found["wrong"], *(wrong for row in found["rows"] for wrong in row["wrong"])]:
        console.print(wrong, style="red", markup=False, highlight=False)


SECTION = """
`./dev fuzz`, {inputs:,} inputs, {day}, {took_min:.0f} minutes, seed {seed}.

- Machine: {cpu}, {cores} cores, kernel {kernel}, Python {python}

Looked for: an answer of 500 or above, a socket closed with a code that means a fault (1011), a connection that hangs, a
server process that died, a line of the log that tells of a fault, an exception no reader names as its refusal.
Meanwhile a bidder bids through it all, every answer is checked, and every bid acknowledged is looked for in the log
afterwards: {acknowledged:,} bids, time to the answer p50 {p50_ms} ms, p99 {p99_ms} ms, clients on the same machine.

| kind of input | inputs | through | most frequent answers | broke |
|---|---|---|---|---|
"""


def section(told: dict[str, Any]) -> str:
    """The section, from the JSON report of a run."""
    text = SECTION.format(**{**told, **told["machine"], **told["canary"]})
    for row in told["rows"]:
        answers = ", ".join(f"{name} {count:,}" for name, count in list(row["answers"].items())[:5])
        through = "the running product" if row["whole_product"] else "the reader alone"
        text += f"| {row['what']} | {row['inputs']:,} | {through} | {answers} | {len(row['wrong'])} |\n"
    broke = sum(len(row["wrong"]) for row in told["rows"]) + len(told["wrong"])
    text += f"| **in all** | **{told['inputs']:,}** | | {told['log_lines']:,} lines in the log | **{broke}** |\n"
    return text
