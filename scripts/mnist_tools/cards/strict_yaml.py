"""Read a YAML file of facts, refusing repeated keys and what facts.schema.yaml does not allow."""

import difflib
import functools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import jsonschema
import yaml

import mnist_family

SCHEMA = Path(__file__).with_name("facts.schema.yaml")


def read_facts_file(path: Path, definition: Literal["family", "dataset"]) -> Mapping[str, Any]:
    """Read a file and check it against the schema; ValueError names the first wrong key.

    The result is cached until the file changes, so callers must not modify it.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        expected = "what people say of the dataset"
        raise mnist_family.fault(str(path), "no such file", expected, "write it") from None
    return _read_facts_file(path, definition, (status.st_mtime_ns, status.st_size))


@functools.lru_cache(maxsize=32)
def _read_facts_file(path: Path, definition: str, stamp: tuple[int, int]) -> Mapping[str, Any]:
    try:
        found = yaml.load(path.read_text(encoding="utf-8"), _StrictLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise mnist_family.fault(str(path), _describe(error), "YAML", "correct it") from None
    for problem in _problems(found, definition):
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


def _problems(found: Any, definition: str) -> Iterator[str]:
    """Yield each violation of the schema with its place, sorted by place."""
    errors = _validator(definition).iter_errors(found)
    for error in sorted(errors, key=lambda error: [*map(str, error.absolute_path)]):
        yield f"{_show_path(error.absolute_path)}: {_explain(error)}"


def _explain(error: jsonschema.ValidationError) -> str:
    """Describe an error; for an unknown key, list the known ones."""
    if error.validator != "additionalProperties":
        return f"{error.message:.200}"
    schema: Any = error.schema
    found: Any = error.instance
    allowed = [*schema["properties"]]
    unknown = next(key for key in found if key not in allowed)
    similar = difflib.get_close_matches(str(unknown), allowed, n=1)
    hint = f"did you mean {similar[0]!r}? " if similar else ""
    return f"no key {unknown!r}, {hint}expected one of {', '.join(allowed)}"


def _show_path(keys: Iterable[str | int]) -> str:
    path = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    return path.removeprefix(".") or "the file"


@functools.cache
def _validator(definition: str) -> jsonschema.Draft202012Validator:
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator({**schema, "$ref": f"#/$defs/{definition}"})
