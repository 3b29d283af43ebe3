"""What it costs to wait: memory and CPU of idle sockets, CPU of lots that run and in which nobody bids."""

from __future__ import annotations

from statistics import median

from loadtests.bench import gauges
from loadtests.bench.stage import Stage

IDLE_SECONDS = 4
LOTS_PER_CALL = 250


def idle_share(stage: Stage, seconds: float) -> float:
    """The share of one core that server, notary and Valkey take when nothing is asked of them."""
    pids = [*stage.product.servers(), *stage.product.notary(), stage.product.valkey()]
    _, cpu_s = stage.cpu_of(pids, lambda: stage.watchers.ask("settle", seconds=seconds))
    return cpu_s / seconds


def memory(stage: Stage) -> dict[str, float]:
    """Private memory of the server process per socket that watches a calm lot; then the CPU all of them take."""
    stage.open("Bench: calm", {"calm": ("own", ["B-CALM"])})
    server = stage.product.servers()[0]
    stage.gather("calm-warm", "calm", 100)
    grown = []
    for number in range(stage.scale.steps):
        before = gauges.private_kb(server)
        stage.gather(f"calm-{number}", "calm", stage.scale.step)
        grown.append((gauges.private_kb(server) - before) / stage.scale.step)
    seconds = IDLE_SECONDS * stage.scale.second
    sockets = stage.scale.steps * stage.scale.step
    share = idle_share(stage, seconds)
    for group in ("calm-warm", *(f"calm-{number}" for number in range(stage.scale.steps))):
        stage.watchers.ask("drop", group=group)
    return {"kb_per_watcher": median(grown), "idle_sockets": sockets, "idle_core_share": share}


def running_lots(stage: Stage) -> dict[str, float]:
    """CPU of many running lots without bids and watchers, over what the process takes anyway."""
    seconds = IDLE_SECONDS * stage.scale.second
    before = idle_share(stage, seconds)
    for start in range(0, stage.scale.lots, LOTS_PER_CALL):
        names = [f"idle-{number}" for number in range(start, min(start + LOTS_PER_CALL, stage.scale.lots))]
        stage.open("Bench: many lots", {name: ("own", ["B-IDLE"]) for name in names})
    stage.watchers.ask("settle", seconds=1)
    return {"lots_core_share": max(0.0, idle_share(stage, seconds) - before), "lots_running": stage.scale.lots}
