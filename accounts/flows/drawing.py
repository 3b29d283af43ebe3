"""A flow as a drawing: the start, one box per post, side by side within a step, what a step is for, the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from accounts.flows.model import Needs, Step

WIDTH, BOX, TALL, GAP, LINE = 360, 100, 40, 28, 18
TOP, END = 26, 26


class Shape(Struct, frozen=True):
    """One thing to draw: ``pill``, ``box`` or ``note`` with its words at (x, y), the middle of its upper edge."""

    kind: str
    x: float
    y: float
    text: str


class Drawing(Struct, frozen=True):
    """All shapes, the lines between them (x1, y1, x2, y2), and how tall it is."""

    shapes: list[Shape]
    lines: list[tuple[float, float, float, float]]
    height: float
    width: int = WIDTH


def draw(steps: Sequence[Step], say: Callable[..., str], condition: Callable[[Step], str]) -> Drawing:
    """The drawing of ``steps``; ``say`` gives a word by its key, ``condition`` says for what a step is."""
    shapes, lines, y, middle = [Shape("pill", WIDTH / 2, 0, say("flow.begin"))], [], float(TOP), WIDTH / 2
    for step in steps:
        top, y = y, y + GAP
        told = condition(step)
        if told:
            shapes.append(Shape("note", middle, y - 8, told))
            y += LINE
        if len(step.posts) > 1:
            shapes.append(Shape("note", middle, y - 8, say(f"flow.needs.{step.needs or Needs.ALL}")))
            y += LINE
        lines.append((middle, top, middle, y - LINE * (bool(told) + (len(step.posts) > 1)) - 14))
        for i, post in enumerate(step.posts):
            x = WIDTH * (i + 0.5) / len(step.posts) if len(step.posts) > 1 else middle
            shapes.append(Shape("box", x, y, say(f"flow.post.{post}")))
        y += TALL
    lines.append((middle, y, middle, y + GAP - 4))
    shapes.append(Shape("pill", middle, y + GAP, say("flow.end")))
    return Drawing(shapes, lines, y + GAP + END + 2)
