"""Format figures, and fill them into text with placeholders such as `{{ train.mean }}`."""

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import mnist_family

PLACEHOLDER = re.compile(r"{{\s*(.*?)\s*}}")
PATH = re.compile(r"(?:\.?[a-z_]\w*|\[\d+\])+")
STEP = re.compile(r"(\w+)")
SPREAD = re.compile(r"\s*\|\s*spread$")  # after a list of counts: shows its range


def show_figure(value: object) -> str:
    """Format a value for cards: integers get commas between thousands."""
    return f"{value:,}" if isinstance(value, int) else str(value)


def show_size(size: int) -> str:
    """Format a number of bytes as people say it: 11.6 MB, with 1 MB = 1,000,000 bytes."""
    if size < 1000:
        return f"{size} bytes"
    value = float(size)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if round(value, 1) < 1000:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:,.1f} TB"


def show_spread(counts: Sequence[int]) -> str:
    """Format the range of counts, or the single count if all are equal."""
    lowest, highest = min(counts), max(counts)
    if lowest == highest:
        return show_figure(lowest)
    return f"{show_figure(lowest)} to {show_figure(highest)}"


def fill(
    text: str, figures: Mapping[str, Any], *, place: str, escape: Callable[[str], str] = str
) -> str:
    """Return text as one line, with figures in place of its placeholders.

    `escape` is applied to each piece of the text and to each figure, so that together they form
    neither markup nor another placeholder. ValueError names `place` if a figure does not exist.
    """
    pieces = PLACEHOLDER.split(" ".join(text.split()))
    pieces[::2] = [escape(words) for words in pieces[::2]]
    pieces[1::2] = [escape(_figure(path, figures, place)) for path in pieces[1::2]]
    return "".join(pieces)


def _figure(placeholder: str, figures: Mapping[str, Any], place: str) -> str:
    path = SPREAD.sub("", placeholder)
    value = _look_up(path, figures, place)
    return show_spread(value) if path != placeholder else show_figure(value)


def _look_up(path: str, figures: Mapping[str, Any], place: str) -> Any:
    """Follow a path such as `knn[0].errors.first_half` through keys, indexes and attributes."""
    value: Any = figures
    for step in STEP.findall(path) if PATH.fullmatch(path) else [path]:
        try:
            value = _take(value, step)
        except (LookupError, AttributeError):
            names = ", ".join(_names(value)) or "no figures"
            raise mnist_family.fault(
                place, f"no figure {path!r}", f"one of {names} instead of {step!r}", "correct it"
            ) from None
    return value


def _take(value: Any, step: str) -> Any:
    if isinstance(value, Mapping):
        return value[step]
    if isinstance(value, Sequence):
        return value[int(step)]
    return getattr(value, step)


def _names(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [*value]
    if isinstance(value, Sequence):
        return [f"[{number}]" for number in range(len(value))]
    if not dataclasses.is_dataclass(value):
        return []
    return [field.name for field in dataclasses.fields(value)]
