"""The verdict on a change of parameters: pure, raises nothing."""

from __future__ import annotations

from datetime import date

from standards.params import ParamError, RuleParam, fault_of


def judge_change(param: RuleParam, today: date) -> ParamError | None:
    """Why ``param`` may not be set today, or None. It begins tomorrow at the earliest: never in the past, and never
    in the middle of a day on which cases have begun.
    """
    return fault_of(param) or (ParamError.PERIOD if param.valid_from <= today else None)
