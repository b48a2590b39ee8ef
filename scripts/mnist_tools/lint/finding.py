"""Describe what is wrong with a card, in one line that is safe to print."""

import datetime
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import NamedTuple

Place = tuple[Hashable, ...]  # the keys and indices that lead to a value of the front matter

_LONGEST_VALUE = 60
_LONGEST_LIST = 10
_KINDS = {
    bool: "a boolean",
    int: "an integer",
    float: "a float",
    datetime.date: "a date",
    datetime.datetime: "a date",
    dict: "a mapping",
}


class Finding(NamedTuple):
    """One thing that is wrong; `line` counts from 1 and is None where no line is to blame."""

    path: Path
    line: int | None
    text: str

    def __str__(self) -> str:
        """Return `path:line: text`, escaped for a terminal."""
        place = str(self.path) if self.line is None else f"{self.path}:{self.line}"
        return escape(f"{place}: {self.text}")


def word(found: str, expected: str, remedy: str) -> str:
    """Join the three parts of every finding."""
    return f"{found}, expected {expected}; {remedy}"


def escape(text: str) -> str:
    """Replace characters that a terminal would obey or hide, such as escapes, by their code."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def show(value: object) -> str:
    """Return a value as findings quote it: short, and with its type if it is not a text."""
    if value is None:
        return "nothing"
    text = str(value) if isinstance(value, datetime.date) else repr(value)
    kind = _KINDS.get(type(value))
    return f"{shorten(text)} ({kind})" if kind else shorten(text)


def show_all(values: Iterable[object]) -> str:
    """Return values separated by commas; of a long list, the first few and how many follow."""
    texts = [shorten(str(value)) for value in values]
    if len(texts) <= _LONGEST_LIST:
        return ", ".join(texts)
    return f"{', '.join(texts[:_LONGEST_LIST])} and {len(texts) - _LONGEST_LIST:,} more"


def show_place(place: Place) -> str:
    """Return a place as `configs[0].data_files`, or `front matter` for all of it."""
    parts = [f"[{key}]" if isinstance(key, int) else f".{shorten(str(key))}" for key in place]
    return "".join(parts).lstrip(".") or "front matter"


def shorten(text: str) -> str:
    """Cut a long text, with an ellipsis where it was cut."""
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
