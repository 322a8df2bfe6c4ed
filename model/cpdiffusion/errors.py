"""The one error that users see: a sentence that says what is wrong and what would be right."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """Something the user gave is wrong; the message is one sentence for the user, no traceback."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint such as ``, did you mean 'region'?``, or the choices when nothing is close."""
    choices = sorted(known)
    close = get_close_matches(word, choices, n=1, cutoff=0.6)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; known: {', '.join(choices)}." if len(choices) <= 40 else "."


class Interrupted(KeyboardInterrupt):
    """The user stopped long work; the message says what is kept and how to go on."""
