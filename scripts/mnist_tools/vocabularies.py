"""Look up the values that the Hub knows, in lists that have a source and a date."""

import datetime
import difflib
import functools
import json
from collections.abc import Collection
from pathlib import Path

import datasets

_HUB_LISTS = Path(__file__).with_name("vocabularies.json")
_LISTS_OF_DATASETS = Path(datasets.__file__).parent / "utils" / "resources"


def vocabulary(name: str) -> Collection[str]:
    """Return the values that the Hub knows for a key of cards; for "keys", the keys themselves."""
    return _vocabularies()[name]


def closest(text: str, name: str, *, cutoff: float = 0.5) -> str | None:
    """Return the value of a vocabulary that was probably meant, if any."""
    known = {value.lower(): value for value in vocabulary(name)}
    if name == "language":  # en-US means en, but most codes resemble each other
        return known.get(text.lower().partition("-")[0]) or _language_named(text)
    near = difflib.get_close_matches(text.lower(), known, 1, cutoff)
    return known[near[0]] if near else None


def _language_named(name: str) -> str | None:
    """Return the code of a language by its English name, as in "Modern Greek" or "Greek"."""
    named = {str(title): code for code, title in _read_list_of_datasets("languages").items()}
    for title, code in named.items():
        words = title.lower().partition(" (")[0]
        if name.lower() in (words, words.removeprefix("modern ")):
            return code
    return None


def age_warning(today: datetime.date) -> str | None:
    """Return a warning if the oldest list is more than a year old."""
    retrieved = {
        name: datetime.date.fromisoformat(entry["retrieved"])
        for name, entry in _hub_lists().items()
    }
    oldest = min(retrieved, key=lambda name: retrieved[name])
    if (today - retrieved[oldest]).days <= 366:
        return None
    return (
        f"{_HUB_LISTS.name}: {oldest} was retrieved on {retrieved[oldest]}, "
        f"expected a list less than a year old; compare it with {_hub_lists()[oldest]['source']}"
    )


@functools.cache
def _hub_lists() -> dict[str, dict[str, str]]:
    lists: dict[str, dict[str, str]] = json.loads(_HUB_LISTS.read_text(encoding="utf-8"))
    return lists


@functools.cache
def _vocabularies() -> dict[str, Collection[str]]:
    creators = _read_list_of_datasets("creators")
    return {
        **{name: dict.fromkeys(entry["values"]) for name, entry in _hub_lists().items()},
        "language": _read_list_of_datasets("languages"),
        "annotations_creators": creators["annotations"],
        "language_creators": creators["language"],
        "multilinguality": _read_list_of_datasets("multilingualities"),
        "size_categories": dict.fromkeys(_read_list_of_datasets("size_categories")),
    }


@functools.cache
def _read_list_of_datasets(name: str) -> dict[str, Collection[str]]:
    """Read a list that is part of `datasets`; most are {value: description}."""
    path = _LISTS_OF_DATASETS / f"{name}.json"
    values: dict[str, Collection[str]] = json.loads(path.read_text(encoding="utf-8"))
    return values
