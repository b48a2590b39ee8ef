"""Put what is wrong with a value in a file into words that are safe to print."""

import datetime
from collections.abc import Hashable, Iterable
from typing import NamedTuple

from mnist_tools.lists import name_some

Place = tuple[Hashable, ...]  # the path of keys and indices to a value in a file

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


def show_place(place: Place, whole: str = "front matter") -> str:
    """Return a place as in `configs[0].data_files`; `whole` stands for the whole file."""
    parts = [f"[{key}]" if isinstance(key, int) else f".{shorten(str(key))}" for key in place]
    return "".join(parts).lstrip(".") or whole


def shorten(text: str) -> str:
    """Cut a long text to 60 characters and an ellipsis."""
    if len(text) <= _LONGEST_VALUE:
        return text
    return f"{text[:_LONGEST_VALUE]}…"
