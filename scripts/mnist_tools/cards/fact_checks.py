"""Check what a schema cannot: answers, licences, languages, dates, ORCID iDs and Markdown."""

import datetime
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mnist_family import fault
from mnist_tools.cards.escape import fence_after
from mnist_tools.cards.facts_file import FactsFile, answer_keys, load_schema
from mnist_tools.cards.statements import WRITTEN_KINDS
from mnist_tools.licences import OTHER_LICENCE, closest_licence, find_licence
from mnist_tools.vocabularies import closest, vocabulary
from mnist_tools.wording import Place, show

ORCID_URL = "https://orcid.org/"
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")

NO_ANSWERS = frozenset(
    [
        "-",
        "?",
        "false",
        "n/a",
        "na",
        "no",
        "none",
        "nothing",
        "tbd",
        "todo",
        "true",
        "unknown",
        "yes",
    ]
)
"""Words that say nothing on a card, which does not repeat the question."""

EXPECTED_ANSWERS = {"citation": "a BibTeX entry", "contact": "an address or a page"}


def check_facts(file: FactsFile) -> None:
    """Raise ValueError for the first value that makes no sense, with its line and key."""
    facts = file.values
    for key in (*answer_keys(), *EXPECTED_ANSWERS):
        _check_answer(file, key)
    _check_licences(file)
    for number, language in enumerate(facts.get("languages", ())):
        _check_language(file, number, language)
    for number, author in enumerate(facts.get("authors", ())):
        if isinstance(author, dict) and "orcid" in author:
            _check_orcid(file.where("authors", number, "orcid"), author["orcid"])
    if "date_published" in facts:
        _check_date(file.where("date_published"), facts["date_published"])
    for heading, text in facts.get("more", {}).items():
        _check_markdown(file.where("more", heading), str(heading), text)


def _check_answer(file: FactsFile, key: str) -> None:
    """Refuse an answer that readers of the card cannot understand without the question."""
    for place, text in _texts((key,), file.values.get(key)):
        if text.strip().rstrip(".!").casefold() in NO_ANSWERS:
            expected = EXPECTED_ANSWERS.get(key, "a sentence")
            raise fault(file.where(*place), show(text), expected, _remedy_for_answer(key))


def _texts(place: Place, found: Any) -> Iterator[tuple[Place, str]]:
    """Yield the texts of an answer with their places; `found` may be a text, list or statement."""
    if isinstance(found, str):
        yield place, found
    elif isinstance(found, list):
        for number, each in enumerate(found):
            yield from _texts((*place, number), each)
    elif isinstance(found, Mapping):
        for kind in WRITTEN_KINDS:
            yield from _texts((*place, kind), found.get(kind))  # a table has no text


def _remedy_for_answer(key: str) -> str:
    example = load_schema("facts")["properties"][key]["examples"][0]
    text = example[0] if isinstance(example, list) else example
    if not isinstance(text, str) or "\n" in text:
        return "write one, or remove the key"
    return f"write one, such as {text!r}, or remove the key"


def _check_licences(file: FactsFile) -> None:
    found = [key for key in ("licence", "license") if key in file.values]
    if len(found) == 2:
        both, expected = "both licence and license", "one of the two"
        raise fault(file.where("license"), both, expected, "remove one of them")
    for key in found:
        _check_licence(file, key, file.values[key])


def _check_licence(file: FactsFile, key: str, found: str | Mapping[str, Any]) -> None:
    if isinstance(found, str):
        _refuse_unknown_licence(file.where(key), found)
        found = {"id": found}
    if found.get("id", OTHER_LICENCE) == OTHER_LICENCE and not {"name", "spdx"} & {*found}:
        where, other = file.where(key), "another licence without a name"
        raise fault(where, other, "a mapping with name, url and notice", "add its name")
    for part in ("id", "spdx"):
        if part in found:
            _refuse_unknown_licence(file.where(key, part), found[part])


def _refuse_unknown_licence(where: str, found: str) -> None:
    if find_licence(found) is not None:
        return
    near = closest_licence(found)
    remedy = f"did you mean {near!r}?" if near else "for any other, give a mapping with its name"
    raise fault(where, show(found), "an id of the Hub or of SPDX, or unknown", remedy)


def _check_language(file: FactsFile, number: int, found: str) -> None:
    if found in vocabulary("language"):
        return
    near = closest(found, "language")
    remedy = f"did you mean {near!r}?" if near else "look it up in ISO 639"
    expected = "a language code that the Hub knows, such as en"
    raise fault(file.where("languages", number), show(found), expected, remedy)


def _check_orcid(where: str, found: str) -> None:
    """Check the last character of an ORCID iD, which is computed from the others (ISO 7064)."""
    digits = found.removeprefix(ORCID_URL).replace("-", "")
    total = 0
    for digit in digits[:-1]:
        total = (total + int(digit)) * 2
    last = "0123456789X"[(12 - total % 11) % 11]
    if digits[-1] != last:
        expected = f"one that ends in {last} if its other digits are right"
        raise fault(where, show(found), expected, "copy it from orcid.org")


def _check_date(where: str, found: str) -> None:
    try:
        datetime.date.fromisoformat(found)
    except ValueError:
        raise fault(where, show(found), "a day of the calendar", "correct it") from None


def _check_markdown(where: str, heading: str, text: str) -> None:
    """Refuse what would swallow or disguise the rest of a card."""
    if "\n" in heading.strip() or not heading.strip():
        raise fault(where, show(heading), "a heading on one line", "shorten it")
    hidden = CONTROL.search(heading + text)
    if hidden is not None:
        found = f"the invisible character U+{ord(hidden[0]):04X}"
        raise fault(where, found, "Markdown that shows all it has", "remove it")
    opened = ""
    for line in text.split("\n"):
        opened = fence_after(line, opened)
    if opened:
        found, remedy = f"a code block that {opened} opens", f"add a line with {opened}"
        raise fault(where, found, "its end", remedy)
    if text.rfind("<!--") > text.rfind("-->"):
        raise fault(where, "a comment that <!-- opens", "its end", "add -->")
