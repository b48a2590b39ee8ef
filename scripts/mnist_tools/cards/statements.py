"""Statements about a dataset with their sources, and how to read them from facts.yaml."""

import dataclasses
import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import mnist_family
from mnist_tools.cards.facts_file import FactsFile
from mnist_tools.wording import Place, show

WrittenKind = Literal["claim", "measured", "unknown", "advice", "table"]  # the keys in YAML
StatementKind = WrittenKind | Literal["plain"]  # a plain text, by whoever wrote the file
WRITTEN_KINDS: tuple[WrittenKind, ...] = get_args(WrittenKind)
COMPANIONS = {"claim": {"source"}, "table": {"source"}, "unknown": {"looked"}}  # other keys
SENTENCE_END = re.compile(r"""[.!?:;…。！？][)"'”’»」]*\s*$""")
PARAGRAPHS = re.compile(r"\n\s*\n")
URL_START = re.compile("https?://")


@dataclass(frozen=True)
class Source:
    """Where a statement comes from, and which part of that was read."""

    short: str
    name: str
    url: str | None = None
    read: str | None = None


@dataclass(frozen=True)
class FactsTable:
    """A table that somebody published; cells are shown as they are.

    With `rows_of`, the first column has row numbers of that split, which a build draws.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | int, ...], ...]
    rows_of: str | None = None


@dataclass(frozen=True)
class Statement:
    """One statement about a dataset.

    Claims and tables have sources; `looked` says where something unknown was looked for. The text
    of a measured statement may have placeholders for figures; in others, braces are braces. `place`
    is the file, line and key, for error messages; `topic` is the key alone.
    """

    place: str
    kind: StatementKind
    text: str = ""
    table: FactsTable | None = None
    sources: tuple[Source, ...] = ()
    looked: str | None = None
    topic: str = ""

    @property
    def is_phrase(self) -> bool:
        """Check whether the text is not a sentence, and so needs its topic in front."""
        return self.kind == "plain" and not SENTENCE_END.search(self.text)


# --- From YAML ------------------------------------------------------------------------------------

Yaml = Mapping[str, Any]


def read_sources(found: Mapping[str, Yaml]) -> dict[str, Source]:
    """Read the sources of a file, by the keys that its statements use."""
    return {key: _source(source) for key, source in found.items()}


def _source(found: Yaml) -> Source:
    return Source(**{"short": found["name"], **found})


def read_topics(
    file: FactsFile, topics: Iterable[str], sources: Mapping[str, Source]
) -> dict[str, tuple[Statement, ...]]:
    """Read the statements on those topics that a file has; ValueError names a wrong place."""
    return {
        topic: read_answer(file, (topic,), file.values[topic], sources)
        for topic in topics
        if topic in file.values
    }


def read_answer(
    file: FactsFile,
    place: Place,
    found: str | Iterable[str | Yaml],
    sources: Mapping[str, Source],
) -> tuple[Statement, ...]:
    """Read a text, whose paragraphs become statements, or a list of texts and statements.

    `place` is the key of the answer in the file.
    """
    if isinstance(found, str):
        where = file.where(*place)
        statements = [Statement(where, "plain", text) for text in PARAGRAPHS.split(found.strip())]
    else:
        statements = [
            _statement(file.where(*place, number), each, sources)
            for number, each in enumerate(found)
        ]
    return tuple(dataclasses.replace(each, topic=str(place[0])) for each in statements)


def _statement(where: str, found: str | Yaml, sources: Mapping[str, Source]) -> Statement:
    if isinstance(found, str):
        return Statement(where, "plain", found)
    kind = _kind(where, found)
    named = name_sources(where, listed(found.get("source", [])), sources)
    if kind == "table":
        return Statement(where, kind, table=_table(where, found["table"]), sources=named)
    return Statement(where, kind, found[kind], sources=named, looked=found.get("looked"))


def _kind(place: str, found: Yaml) -> WrittenKind:
    kinds = [kind for kind in WRITTEN_KINDS if kind in found]
    if len(kinds) != 1:
        expected = f"one of {', '.join(WRITTEN_KINDS)}"
        if not kinds:
            raise mnist_family.fault(place, "no text", expected, "add it")
        remedy = "make each a statement of its own"
        raise mnist_family.fault(place, " and ".join(kinds), expected, remedy)
    kind = kinds[0]
    keys = {kind} | COMPANIONS.get(kind, set())
    if found.keys() != keys:
        has = f"has {' and '.join(sorted(found))}"
        raise mnist_family.fault(place, has, " and ".join(sorted(keys)), _remedy(found, keys))
    return kind


def _remedy(found: Yaml, keys: set[str]) -> str:
    missing, extra = sorted(keys - found.keys()), sorted(found.keys() - keys)
    if missing == ["source"]:
        return "add its source, or write the text without claim"
    if missing:
        return f"add {' and '.join(missing)}"
    return f"remove {' and '.join(extra)}"


def name_sources(
    place: str, keys: Sequence[str], sources: Mapping[str, Source]
) -> tuple[Source, ...]:
    """Look up sources by key; a URL is a source itself. ValueError for an unknown key."""
    return tuple(_name_source(place, key, sources) for key in keys)


def _name_source(place: str, key: str, sources: Mapping[str, Source]) -> Source:
    if key in sources:
        return sources[key]
    if URL_START.match(key):
        return Source(URL_START.sub("", key).rstrip("/"), key, key)
    expected = f"one of {', '.join(sources)}, or a URL" if sources else "a URL, or a key of sources"
    near = difflib.get_close_matches(key, sources, 1)
    remedy = f"did you mean {near[0]!r}?" if near else "correct it, or add it to sources"
    raise mnist_family.fault(f"{place}.source", show(key), expected, remedy)


def listed(found: Any) -> list[str]:
    """Return a list of texts as it is, and a single text as a list of one."""
    return found if isinstance(found, list) else [found]


def _table(place: str, found: Yaml) -> FactsTable:
    columns = tuple(found["columns"])
    for number, row in enumerate(found["rows"]):
        where = f"{place}.table.rows[{number}]"
        if len(row) != len(columns):
            cells = f"{len(row)} cells"
            expected = f"{len(columns)}, as there are columns"
            raise mnist_family.fault(where, cells, expected, "correct the row")
        if "rows_of" in found and not isinstance(row[0], int):
            expected = "the number of a row"
            raise mnist_family.fault(where, repr(row[0]), expected, "correct it or drop rows_of")
    rows = tuple(tuple(row) for row in found["rows"])
    return FactsTable(found["title"], columns, rows, found.get("rows_of"))
