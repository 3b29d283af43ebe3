"""All scenarios, in the order they are played, with their share of the rounds asked for."""

from __future__ import annotations

from loadtests.crash import breaking, damage, filling, storm, weaker
from loadtests.crash.rounds import Scenario

POSTGRES_AWAY_S, QUICK_AWAY_S = 60.0, 4.0
QUICK_SOCKETS = 300
LATER = -1.0  # a share that comes to one round


def scenarios(quick: bool = False) -> list[Scenario]:
    """Every scenario; ``quick``: waits are shorter."""
    away = filling.postgres_away(QUICK_AWAY_S if quick else POSTGRES_AWAY_S)
    hour, sockets = filling.HOUR_MS, QUICK_SOCKETS if quick else storm.SOCKETS
    return [
        Scenario("kill", "a server process, Valkey, Postgres or all of them: kill -9", breaking.kill, 1.0),
        Scenario("close", "the same within 150 ms of the close", breaking.kill_at_the_close, 0.3),
        Scenario("behead", "every process at once, started again", breaking.behead, 0.1),
        Scenario("power", "loss of power", breaking.cut_power, 0.3, machine=True),
        Scenario("rewrite", "loss of power while the log is rewritten", breaking.cut_power_in_a_rewrite, 0.1,
                 machine=True),
        Scenario("disk", "disk full for 2 s", filling.fill_disk, 0.05, machine=True),
        Scenario("memory", "memory full for 2 s", filling.fill_memory, 0.05),
        Scenario("forward", "wall clock 1 h forward for 2 s", filling.clock_stepped(hour), 0.05, machine=True),
        Scenario("back", "wall clock 1 h back for 2 s", filling.clock_stepped(-hour), 0.05, machine=True),
        Scenario("ahead", "wall clock 1 h forward, for good", filling.clock_stepped(hour, True), 0.05, machine=True),
        Scenario("behind", "wall clock 1 h back, for good", filling.clock_stepped(-hour, True), 0.05, machine=True),
        Scenario("postgres", f"Postgres gone for {QUICK_AWAY_S if quick else POSTGRES_AWAY_S:.0f} s", away, LATER),
        Scenario("storm", f"{sockets:,} sockets thrown out at once", storm.storm(sockets), LATER),
        Scenario("two", "one of two server processes: kill -9", breaking.kill_of_two, 0.1, workers=2),
        Scenario("torn", "Valkey's log torn in its last entry", damage.damaged(damage.torn), 0.05, fresh=True),
        Scenario("zeroed", "last sector of Valkey's log zeroed", damage.damaged(damage.zeroed), 0.05, fresh=True),
        Scenario("repriced", "a digit of a price changed in Valkey's log", damage.damaged(damage.repriced), 0.05,
                 fresh=True),
        Scenario("flipped", "a bit changed anywhere in Valkey's log", damage.damaged(damage.flipped), 0.05, fresh=True),
        Scenario("everysec", "appendfsync everysec, loss of power", weaker.everysec, 0.03, True, True, True),
        Scenario("nosync", "no-appendfsync-on-rewrite, loss of power", weaker.no_sync_in_a_rewrite, 0.03, True, True,
                 True),
        Scenario("nolog", "appendonly no, Valkey killed", weaker.no_log, 0.03, True, True),
        Scenario("ids", "request ids forgotten", weaker.ids_forgotten, 0.03, True, True),
        Scenario("outbox", "a closed lot taken from the outbox", weaker.outbox_robbed, LATER, True, True),
    ]  # fmt: skip
