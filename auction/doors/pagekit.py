"""What the case pages share: the reader's language, refusals in words, the colour of a stage."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request

from auction.doors import wording
from auction.lot.model import Stage
from plumbing.problems import Problem, language

Say = Callable[..., str]
_TONES = {
    **dict.fromkeys((Stage.RUNNING,), "good live"),
    **dict.fromkeys((Stage.PAUSED, Stage.ON_HOLD, Stage.CLOSING), "warn"),
    **dict.fromkeys((Stage.FAILED, Stage.CANCELLED), "bad"),
    **dict.fromkeys((Stage.PUBLISHED, Stage.CONTRACTED), "good"),
    **dict.fromkeys((Stage.DRAFT, Stage.APPROVING, Stage.SCHEDULED, Stage.REHEARSED), ""),
}


def sayer(request: Request) -> Say:
    """The catalogue in this reader's language."""
    lang = language(request)
    return lambda key, **params: str(request.state.texts.say(key, lang, **params))


def tone(stage: str) -> str:
    """The colour class of a stage's tag; the word beside it says the same."""
    return _TONES.get(Stage(stage), "brand")


def gate_words(code: str, clauses: list[str] | tuple[str, ...], way: str, limit_fen: int, say: wording.Say) -> str:
    """Why the law refuses it, with the clause and the lawful way instead."""
    why = say(f"gate.refused.{code}", limit_fen=limit_fen)
    law = say("wizard.by_law", clauses=say("wizard.comma").join(say(f"clause.{one}") for one in clauses))
    return f"{why}{law if clauses else ''} {say(f'gate.way.{way}')}"


def problem_words(problem: Problem, say: wording.Say) -> str:
    """A refusal of an operation as people read it: rules, stages and the law by their names, not their codes."""
    told = problem.accept or {}
    if problem.code == "rules_refused":
        return say(f"rules.{told['rule']}")
    if problem.code == "gate_refused":
        return gate_words(told["code"], told["clauses"], told["way"], told["limit_fen"], say)
    if "stage" in problem.params:
        stage = say(f"live.stage.{problem.params['stage']}")
        return say(problem.text, **problem.params | {"stage": stage})
    return say(problem.text, **problem.params)
