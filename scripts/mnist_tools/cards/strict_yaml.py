"""Read a YAML file of facts, refusing repeated keys and what its schema does not allow."""

import difflib
import functools
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import jsonschema
import yaml

import mnist_family

SchemaName = Literal["facts", "family"]


def read_facts_file(path: Path, schema: SchemaName) -> Mapping[str, Any]:
    """Read a file and check it against the schema; ValueError names the first wrong key.

    The result is cached until the file changes, so callers must not modify it.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        expected = "what people say of the dataset"
        raise mnist_family.fault(str(path), "no such file", expected, "write it") from None
    return _read_facts_file(path, schema, (status.st_mtime_ns, status.st_size))


@functools.lru_cache(maxsize=32)
def _read_facts_file(path: Path, schema: SchemaName, stamp: tuple[int, int]) -> Mapping[str, Any]:
    try:
        found = yaml.load(path.read_text(encoding="utf-8"), _StrictLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise mnist_family.fault(str(path), _describe(error), "YAML", "correct it") from None
    if isinstance(found, dict):
        found = {key: value for key, value in found.items() if value is not None}
    for problem in _problems(found, schema):
        raise ValueError(f"{path}: {problem}; correct it")
    facts: Mapping[str, Any] = found
    return facts


class _StrictLoader(yaml.SafeLoader):
    """A loader that refuses repeated keys in a mapping; plain YAML would keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        if len(mapping) < len(node.value):
            keys = [key.value for key, _ in node.value]
            twice = next(key for key in keys if keys.count(key) > 1)
            problem = f"the key {twice!r} twice"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
        return mapping


def _describe(error: yaml.YAMLError | UnicodeDecodeError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return " ".join(str(error).split())


def _problems(found: Any, schema: SchemaName) -> Iterator[str]:
    """Yield each violation of the schema with its place, sorted by place."""
    errors = _validator(schema).iter_errors(found)
    for error in sorted(errors, key=lambda error: [*map(str, error.absolute_path)]):
        cause = _cause(error)
        yield f"{_show_path(cause.absolute_path)}: {_explain(cause)}"


def _cause(error: jsonschema.ValidationError) -> jsonschema.ValidationError:
    """Return the error in the alternative that was meant, if the type of the value tells."""
    by_alternative: dict[str | int, list[jsonschema.ValidationError]] = {}
    for each in error.context:
        by_alternative.setdefault(each.schema_path[0], []).append(each)
    meant = [errors for errors in by_alternative.values() if not any(map(_is_other_type, errors))]
    return _cause(meant[0][0]) if len(meant) == 1 else error


def _is_other_type(error: jsonschema.ValidationError) -> bool:
    return error.validator == "type" and not error.relative_path


def _explain(error: jsonschema.ValidationError) -> str:
    """Say what was found and expected; for an unknown key, list the known ones."""
    schema: Any = error.schema
    found: Any = error.instance
    if error.validator == "required":
        missing = next(key for key in schema["required"] if key not in found)
        return f"no {missing}, expected {schema.get('title', 'it')}"
    if error.validator != "additionalProperties":
        return f"{repr(found):.60}, expected {schema.get('title', error.message)}"
    allowed = [*schema["properties"]]
    unknown = next(key for key in found if key not in allowed)
    similar = difflib.get_close_matches(str(unknown), allowed, n=1)
    hint = f"did you mean {similar[0]!r}? " if similar else ""
    return f"no key {unknown!r}, {hint}expected one of {', '.join(allowed)}"


def _show_path(keys: Iterable[str | int]) -> str:
    path = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    return path.removeprefix(".") or "the file"


def answer_keys() -> tuple[str, ...]:
    """Return the keys of facts.yaml whose values are texts or statements, in order."""
    properties = load_schema("facts")["properties"]
    return tuple(key for key, each in properties.items() if each.get("$ref") == "#/$defs/answer")


def schema_text(name: SchemaName) -> str:
    """Return the text of a JSON Schema of this package."""
    return Path(__file__).with_name(f"{name}.schema.json").read_text(encoding="utf-8")


@functools.cache
def load_schema(name: SchemaName) -> Mapping[str, Any]:
    """Return a JSON Schema of this package; both share the definitions of that of facts.yaml."""
    schema: Mapping[str, Any] = json.loads(schema_text(name))
    return schema if name == "facts" else {**schema, "$defs": load_schema("facts")["$defs"]}


@functools.cache
def _validator(schema: SchemaName) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(load_schema(schema))
