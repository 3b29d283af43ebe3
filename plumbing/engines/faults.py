"""What can go wrong with an engine, said to the operator."""

from __future__ import annotations


class EngineFailed(Exception):
    """A server could not be found, started or kept; the text is the message for the operator."""
