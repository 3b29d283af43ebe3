"""A flow as a drawing: the start, one box per post, side by side within a step, what a step is for, the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from accounts.flows.model import Step

WIDTH, TALL, GAP, LINE, PILL, BAR = 360, 40, 26, 20, 26, 10


class Shape(Struct, frozen=True):
    """One thing to draw: ``pill``, ``box`` or ``note`` with its words at (x, y), the middle of its upper edge."""

    kind: str
    x: float
    y: float
    text: str


class Drawing(Struct, frozen=True):
    """All shapes, the lines between them and the arrows at their ends (x1, y1, x2, y2), and how tall it is."""

    shapes: list[Shape]
    lines: list[tuple[float, float, float, float]]
    arrows: list[tuple[float, float, float, float]]
    height: float
    width: int = WIDTH


def draw(steps: Sequence[Step], say: Callable[..., str], condition: Callable[[Step], str]) -> Drawing:
    """The drawing of ``steps``; ``say`` gives a word by its key, ``condition`` says for what a step is."""
    middle = WIDTH / 2
    shapes, y = [Shape("pill", middle, 0, say("flow.begin"))], float(PILL)
    lines: list[tuple[float, float, float, float]] = []
    arrows: list[tuple[float, float, float, float]] = []
    for step in steps:
        several = len(step.posts) > 1
        notes = [told for told in (condition(step), say(f"flow.needs.{step.needs}") if several else "") if told]
        bar = y + BAR + LINE * len(notes)
        top = bar + GAP - BAR
        xs = [WIDTH * (i + 0.5) / len(step.posts) for i in range(len(step.posts))]
        shapes += [Shape("note", middle, y + BAR + LINE * i + 13, told) for i, told in enumerate(notes)]
        shapes += [Shape("box", x, top, say(f"flow.post.{post}")) for x, post in zip(xs, step.posts, strict=True)]
        lines.append((middle, y, middle, bar))
        arrows += [(x, bar, x, top) for x in xs]
        y = top + TALL
        if several:
            lines += [(xs[0], bar, xs[-1], bar), *((x, y, x, y + BAR) for x in xs), (xs[0], y + BAR, xs[-1], y + BAR)]
            y += BAR
    arrows.append((middle, y, middle, y + GAP))
    shapes.append(Shape("pill", middle, y + GAP, say("flow.end")))
    return Drawing(shapes, lines, arrows, y + GAP + PILL + 2)
