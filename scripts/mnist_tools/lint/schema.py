"""Check front matter against schema.json, and put its errors into words."""

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema

from mnist_tools.lint.card_text import FrontMatter
from mnist_tools.lint.finding import Finding
from mnist_tools.vocabularies import closest, vocabulary
from mnist_tools.wording import Place, Wording, show, show_all

_SCHEMA = Path(__file__).with_name("schema.json")


def check_schema(card: FrontMatter) -> Iterator[tuple[Place, Finding]]:
    """Find values of the wrong type or outside their vocabulary; at most one finding per place."""
    seen = set()
    for error in _validator().iter_errors(card.values):
        place = tuple(error.absolute_path)
        if place not in seen:
            seen.add(place)
            yield place, card.finding(place, *_wording(error))


def _wording(error: Any) -> Wording:
    """Put a schema error into words; most words are in the schema itself."""
    if error.validator == "vocabulary":
        return _wording_of_unknown(error.instance, error.validator_value)
    return Wording(_describe_found(error), error.schema["expected"], error.schema["remedy"])


def _wording_of_unknown(value: object, name: str) -> Wording:
    """Say that a value is not in the vocabulary `name`, and suggest the closest one."""
    expected = "a value that the Hub knows"
    if not isinstance(value, str):
        return Wording(show(value), expected, "put it in quotes")
    near = closest(value, name)
    if near is not None:
        expected = f"{expected}, such as {near}"
    return Wording(show(value), expected, "correct it")


def _describe_found(error: Any) -> str:
    if error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        return f"no {' and no '.join(missing)}"
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        return f"other keys: {show_all(key for key in error.instance if key not in known)}"
    return show(error.instance)


@functools.cache
def _validator() -> Any:
    draft = jsonschema.Draft202012Validator
    types = draft.TYPE_CHECKER.redefine("integer", _is_integer)
    kind = jsonschema.validators.extend(
        draft, validators={"vocabulary": _check_vocabulary}, type_checker=types
    )
    return kind(json.loads(_SCHEMA.read_text(encoding="utf-8")))


def _is_integer(_: object, value: object) -> bool:
    """Check whether a value is an integer; unlike in JSON Schema, 60000.0 is not."""
    return isinstance(value, int) and not isinstance(value, bool)


def _check_vocabulary(
    _: object, name: str, value: object, _schema: object
) -> Iterator[jsonschema.ValidationError]:
    """Implement the keyword `vocabulary` of schema.json."""
    if not isinstance(value, str) or value not in vocabulary(name):
        yield jsonschema.ValidationError(f"unknown to {name}")
