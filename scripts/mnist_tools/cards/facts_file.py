"""Read a YAML file of facts, and name the line and key of whatever its schema does not allow."""

import codecs
import difflib
import functools
import json
import re
import stat
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jsonschema

from mnist_family import fault
from mnist_tools.command_line import command_line
from mnist_tools.lists import name_some
from mnist_tools.wording import Place, show, show_place
from mnist_tools.yaml_positions import Unreadable, closest_line, parse_with_positions

SchemaName = Literal["facts", "family"]
LARGEST_FACTS = 1_000_000  # bytes
FEW_KEYS = 7
EMPTY: Mapping[str, object] = {"an empty text": "", "an empty list": [], "an empty mapping": {}}


@dataclass(frozen=True)
class FactsFile:
    """A file of facts that its schema allows, and the line of each value."""

    path: Path
    values: Mapping[str, Any]
    lines: Mapping[Place, int]

    def where(self, *place: Hashable) -> str:
        """Return the path, line and key of a value, for error messages."""
        return _where(self.path, closest_line(self.lines, place), place)


def read_facts_file(path: Path, schema: SchemaName) -> FactsFile:
    """Read a file and check it against the schema; ValueError names the first wrong line and key.

    Keys without a value are left out. The result is cached until the file changes, so callers must
    not modify it.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        expected = "what people say of the dataset"
        remedy = f"run {command_line('init', str(path.parent))}"
        raise fault(str(path), "no such file", expected, remedy) from None
    if not stat.S_ISREG(status.st_mode):
        raise fault(str(path), "not a regular file", "a YAML file", "remove or replace it")
    if status.st_size > LARGEST_FACTS:
        found, expected = f"{status.st_size:,} bytes", f"at most {LARGEST_FACTS:,}"
        raise fault(str(path), found, expected, "shorten it")
    return _read_facts_file(path, schema, (status.st_mtime_ns, status.st_size))


@functools.lru_cache(maxsize=32)
def _read_facts_file(path: Path, schema: SchemaName, stamp: tuple[int, int]) -> FactsFile:
    text = _decode(path, path.read_bytes())
    try:
        found = parse_with_positions(text, core_schema=True)
    except Unreadable as error:
        raise ValueError(f"{path}:{error.line}: {error}") from None
    lines: dict[Place, int] = {}
    for position in found.positions:
        if position.first_line is not None:
            key = show(position.place[-1])
            problem = f"the key {key} again, first on line {position.first_line}"
            raise fault(f"{path}:{position.line}", problem, "it once", "remove one of them")
        lines[position.place] = position.line
    values: Any = {} if found.values is None else found.values
    if isinstance(values, dict):
        values = {key: value for key, value in values.items() if value is not None}
    for violation in _violations(path, values, lines, schema):
        raise violation
    return FactsFile(path, values, lines)


def _decode(path: Path, content: bytes) -> str:
    """Decode UTF-8, with or without a mark at its start."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise fault(str(path), "UTF-16", "UTF-8", "save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        found = f"the byte {content[error.start]:#04x}, which is not UTF-8"
        raise fault(f"{path}:{line}", found, "UTF-8", "save it as UTF-8") from None


def _where(path: Path, line: int, place: Sequence[Hashable]) -> str:
    shown = show_place(tuple(place), whole="")
    return f"{path}:{line}: {shown}" if shown else f"{path}:{line}"


# --- What the schema does not allow ---------------------------------------------------------------


def _violations(
    path: Path, values: Any, lines: Mapping[Place, int], schema: SchemaName
) -> Iterator[ValueError]:
    """Yield an error for each violation of the schema, in the order of lines."""
    causes = [_cause(error) for error in _validator(schema).iter_errors(values)]
    for cause in sorted(causes, key=lambda cause: lines.get((*cause.absolute_path,), 0)):
        yield _explain(path, cause, lines)


def _cause(error: jsonschema.ValidationError) -> jsonschema.ValidationError:
    """Return the error in the alternative that was meant, if the type of the value tells."""
    by_alternative: dict[str | int, list[jsonschema.ValidationError]] = {}
    for each in error.context:
        by_alternative.setdefault(each.schema_path[0], []).append(each)
    meant = [errors for errors in by_alternative.values() if not any(map(_is_other_type, errors))]
    return _cause(meant[0][0]) if len(meant) == 1 else error


def _is_other_type(error: jsonschema.ValidationError) -> bool:
    return error.validator == "type" and not error.relative_path


def _explain(
    path: Path, error: jsonschema.ValidationError, lines: Mapping[Place, int]
) -> ValueError:
    """Say what was found and expected; for an unknown key, list the known ones.

    If one of them was meant, a few are enough: the line should be short.
    """
    schema: Any = error.schema
    found: Any = error.instance
    place = (*error.absolute_path,)
    if error.validator == "additionalProperties":
        allowed = [*schema["properties"]]
        unknown = next(key for key in found if key not in allowed)
        where = _where(path, lines.get((*place, unknown), 1), place)
        meant = _meant(unknown, allowed)
        listed = name_some(allowed, len(allowed) if meant is None else FEW_KEYS)
        remedy = meant or "rename or remove it"
        return fault(where, f"the key {show(unknown)}", f"one of {listed}", remedy)
    where = _where(path, lines.get(place, 1), place)
    expected = schema.get("title", "another value")
    if error.validator == "required":
        missing = next(key for key in schema["required"] if key not in found)
        return fault(where, f"no {missing}", expected, f"add {missing}")
    if place == () and not isinstance(found, dict):
        return fault(where, _show(found), "a mapping of keys to values", "start with title: …")
    return fault(where, _show(found), expected, _remedy(found, schema, str(error.validator)))


def _meant(word: object, allowed: Sequence[str]) -> str | None:
    similar = difflib.get_close_matches(str(word).lower(), allowed, n=1)
    return f"did you mean {similar[0]!r}?" if similar else None


def _show(value: object) -> str:
    empty = next((name for name, nothing in EMPTY.items() if value == nothing), None)
    return empty or show(value)


def _remedy(found: object, schema: Mapping[str, Any], validator: str) -> str:
    if validator == "enum":
        return _meant(found, schema["enum"]) or "choose one of them"
    wants_answer = "$ref" in str(schema.get("anyOf", ""))
    if isinstance(found, bool) and wants_answer:
        return "write a sentence"
    wants_text = wants_answer or schema.get("type") == "string"
    fits = re.search(schema.get("pattern", ""), str(found)) is not None
    if isinstance(found, (bool, int, float)) and wants_text and fits:
        return "put it in quotes"
    if isinstance(found, str) and schema.get("type") == "array":
        return "start each with - on a line of its own"
    return "correct it"


# --- Schemas --------------------------------------------------------------------------------------


def answer_keys() -> tuple[str, ...]:
    """Return the keys of facts.yaml whose values are texts or statements, in order."""
    properties = load_schema("facts")["properties"]
    return tuple(key for key, each in properties.items() if each.get("$ref") == "#/$defs/answer")


def schema_text(name: SchemaName) -> str:
    """Return the text of a JSON Schema of this package."""
    return Path(__file__).with_name(f"{name}.schema.json").read_text(encoding="utf-8")


@functools.cache
def load_schema(name: SchemaName) -> Mapping[str, Any]:
    """Return a JSON Schema of this package, with all definitions that it refers to."""
    text = schema_text(name).replace('"facts.schema.json#', '"#')
    schema: Mapping[str, Any] = json.loads(text)
    return schema if name == "facts" else {**schema, "$defs": load_schema("facts")["$defs"]}


@functools.cache
def _validator(schema: SchemaName) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(load_schema(schema))
