"""Statements about a dataset with their sources, and how to read them from facts.yaml."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import mnist_family

StatementKind = Literal["claim", "measured", "unknown", "advice", "table"]
STATEMENT_KINDS: tuple[StatementKind, ...] = get_args(StatementKind)
COMPANIONS = {"claim": {"source"}, "table": {"source"}, "unknown": {"looked"}}  # other keys


@dataclass(frozen=True)
class Source:
    """Where a statement comes from, and which part of that was read."""

    short: str
    name: str
    url: str | None = None
    read: str | None = None


@dataclass(frozen=True)
class FactsTable:
    """A table that somebody published; cells are shown as they are."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | int, ...], ...]


@dataclass(frozen=True)
class Statement:
    """One statement about a dataset.

    Claims and tables have sources; `looked` says where something unknown was looked for. Texts may
    have placeholders for figures. `place` is the file and key, for error messages.
    """

    place: str
    kind: StatementKind
    text: str = ""
    table: FactsTable | None = None
    sources: tuple[Source, ...] = ()
    looked: str | None = None


# --- From YAML ------------------------------------------------------------------------------------

Yaml = Mapping[str, Any]


def read_sources(found: Mapping[str, Yaml]) -> dict[str, Source]:
    """Read the sources of a file, by the keys that its statements use."""
    return {key: Source(**source) for key, source in found.items()}


def read_sources_with_shared(
    path: Path, own: Mapping[str, Yaml], shared: Mapping[str, Yaml]
) -> dict[str, Source]:
    """Read a dataset's sources and the family's; ValueError if they share a key."""
    for key in own:
        if key in shared:
            expected = "a key that cards/facts.yaml does not have"
            raise mnist_family.fault(f"{path}: sources", key, expected, "rename it")
    return read_sources({**shared, **own})


def read_sections(
    path: Path, found: Mapping[str, Iterable[Yaml]], sources: Mapping[str, Source]
) -> dict[str, tuple[Statement, ...]]:
    """Read the statements of each section; ValueError names the place that is wrong."""
    return {name: read_statements(f"{path}: {name}", each, sources) for name, each in found.items()}


def read_statements(
    place: str, found: Iterable[Yaml], sources: Mapping[str, Source]
) -> tuple[Statement, ...]:
    """Read statements; `place` is the file and section, for error messages."""
    return tuple(
        _statement(f"{place}[{number}]", each, sources) for number, each in enumerate(found)
    )


def _statement(place: str, found: Yaml, sources: Mapping[str, Source]) -> Statement:
    kind = _kind(place, found)
    named = name_sources(place, _listed(found.get("source", [])), sources)
    if kind == "table":
        return Statement(place, kind, table=_table(place, found["table"]), sources=named)
    return Statement(place, kind, found[kind], sources=named, looked=found.get("looked"))


def _kind(place: str, found: Yaml) -> StatementKind:
    kinds = [kind for kind in STATEMENT_KINDS if kind in found]
    if len(kinds) != 1:
        expected = f"one of {', '.join(STATEMENT_KINDS)}"
        raise mnist_family.fault(place, " and ".join(kinds) or "none", expected, "correct it")
    kind = kinds[0]
    keys = {kind} | COMPANIONS.get(kind, set())
    if found.keys() != keys:
        has = f"has {' and '.join(sorted(found))}"
        raise mnist_family.fault(place, has, " and ".join(sorted(keys)), "correct it")
    return kind


def name_sources(
    place: str, keys: Sequence[str], sources: Mapping[str, Source]
) -> tuple[Source, ...]:
    """Look up sources by key; ValueError for an unknown key."""
    for key in keys:
        if key not in sources:
            expected = f"one of {', '.join(sources)}"
            raise mnist_family.fault(f"{place}.source", repr(key), expected, "correct it")
    return tuple(sources[key] for key in keys)


def _listed(source: Any) -> list[str]:
    return source if isinstance(source, list) else [source]


def _table(place: str, found: Yaml) -> FactsTable:
    columns = tuple(found["columns"])
    for number, row in enumerate(found["rows"]):
        if len(row) != len(columns):
            cells = f"{len(row)} cells"
            expected = f"{len(columns)}, as there are columns"
            raise mnist_family.fault(f"{place}.table.rows[{number}]", cells, expected, "correct it")
    return FactsTable(found["title"], columns, tuple(tuple(row) for row in found["rows"]))
