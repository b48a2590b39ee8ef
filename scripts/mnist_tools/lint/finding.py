"""Describe what is wrong with a card, in one line that is safe to print."""

import datetime
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import NamedTuple

from mnist_family import escape_controls
from mnist_tools.lists import name_some

Place = tuple[Hashable, ...]  # the path of keys and indices to a value in front matter

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
    """One fault in a card; `line` counts from 1 and is None for a fault of the whole card."""

    path: Path
    line: int | None
    text: str

    def __str__(self) -> str:
        """Return `path:line: text`, escaped for a terminal."""
        place = str(self.path) if self.line is None else f"{self.path}:{self.line}"
        return escape_controls(f"{place}: {self.text}")


class Wording(NamedTuple):
    """The three parts of a finding's text."""

    found: str
    expected: str
    remedy: str


def phrase(found: str, expected: str, remedy: str) -> str:
    """Join the three parts of a finding's text."""
    return f"{found}, expected {expected}; {remedy}"


def show(value: object) -> str:
    """Return a value as findings quote it: shortened, with its type unless it is a string."""
    if value is None:
        return "nothing"
    text = shorten(str(value) if isinstance(value, datetime.date) else repr(value))
    kind = _KINDS.get(type(value))
    return f"{text} ({kind})" if kind else text


def show_all(values: Iterable[object]) -> str:
    """Join values with commas; of a long list, show ten and count the rest."""
    return name_some((shorten(str(value)) for value in values), _LONGEST_LIST)


def show_place(place: Place) -> str:
    """Return a place as in `configs[0].data_files`; `front matter` for the whole."""
    parts = [f"[{key}]" if isinstance(key, int) else f".{shorten(str(key))}" for key in place]
    return "".join(parts).lstrip(".") or "front matter"


def shorten(text: str) -> str:
    """Cut a long text to 60 characters and an ellipsis."""
    if len(text) <= _LONGEST_VALUE:
        return text
    return f"{text[:_LONGEST_VALUE]}…"
