"""``yangcai register-simulator`` plays the gateway of outside registers, to try a connection with."""

from __future__ import annotations

from typing import Annotated

import typer


def simulator(
    token: Annotated[str, typer.Option(help="What YANGCAI_REGISTERS_TOKEN of the installation says.")],
    port: Annotated[int, typer.Option(help="Port on the loopback.")] = 8791,
    fault: Annotated[str, typer.Option(help="A fault to make: busy, garbled or slow.")] = "",
) -> None:
    """Play the gateway of outside registers: any sound credit code is some firm (docs/outside-registers.md)."""
    import uvicorn

    from plumbing.clock import Clock
    from registries.outside.simulator import FAULTS, Played
    from registries.outside.world import World
    from standards.workdays import day_of

    if fault not in FAULTS:
        typer.echo(f"{fault}: no such fault; there are {', '.join(FAULTS[1:])}", err=True)
        raise typer.Exit(1)
    clock = Clock()
    played = Played(World(lambda: day_of(clock.now_ms())), token, fault)
    typer.echo(f"Set YANGCAI_REGISTERS_URL=http://127.0.0.1:{port}")
    uvicorn.run(played.site(), host="127.0.0.1", port=port, log_level="warning", lifespan="off")
