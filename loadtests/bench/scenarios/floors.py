"""The floors, measured in the same rounds by the same kind of client: SET, echo, and a bare loop of writes."""

from __future__ import annotations

from loadtests.bench.stage import Stage

VALUE_BYTES = 130
SET = f"*3\r\n$3\r\nSET\r\n$12\r\nbench%07d\r\n${VALUE_BYTES}\r\n" + "x" * VALUE_BYTES + "\r\n"
"""A value as long as the log's line of a bid. Valkey is the product's own: same process, same file, same durability."""
OK_BYTES = len("+OK\r\n")
MESSAGE_BYTES = 150
"""A bid's frame and its answer have 140 to 190 bytes."""
FRAMES_PER_S = 10
FRAME_BYTES = 130


def raw_set(stage: Stage) -> dict[str, float]:
    """SET over 200 connections under ``appendfsync always``, each waiting for its reply."""
    order = {"group": "set", "seconds": stage.scale.second, "message": SET, "reply_bytes": OK_BYTES}
    told, cpu_s = stage.cpu_of([stage.product.valkey()], lambda: stage.bidders.ask("volley", **order))
    return {"set_per_s": told["answers"] / told["s"], "set_us": cpu_s / told["answers"] * 1e6}


def raw_set_one(stage: Stage) -> float:
    """SETs a second over one connection."""
    order = {"group": "set", "seconds": stage.scale.second / 2, "message": SET, "reply_bytes": OK_BYTES}
    told = stage.bidders.ask("volley", members=1, **order)
    return float(told["answers"] / told["s"])


def echo(stage: Stage) -> dict[str, float]:
    """The bare echo over 200 connections."""
    message = f"%0{MESSAGE_BYTES}d"
    order = {"group": "echo", "seconds": stage.scale.second, "message": message, "reply_bytes": MESSAGE_BYTES}
    told, cpu_s = stage.cpu_of([stage.floor.pid], lambda: stage.bidders.ask("volley", **order))
    return {"echo_per_s": told["answers"] / told["s"], "echo_us": cpu_s / told["answers"] * 1e6}


def bare_writes(stage: Stage) -> dict[str, float]:
    """``os.write`` of one frame to each of N sockets, as often a second as the fan-out's frames."""
    order = {"seconds": stage.scale.second, "per_s": FRAMES_PER_S, "size": FRAME_BYTES}
    told, cpu_s = stage.cpu_of([stage.floor.pid], lambda: stage.floor.ask("fan_out", **order))
    return {"write_us": cpu_s / max(1, told["writes"]) * 1e6}
