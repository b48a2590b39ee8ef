"""Parse untrusted YAML in bounded time and memory, and find the line of every value."""

import bisect
import re
from collections.abc import Hashable, Iterator, Mapping
from typing import Any, NamedTuple

import yaml

from mnist_tools.wording import Place, phrase, shorten

DEEPEST_NESTING = 50  # levels; features may be nested, but not that deeply
LONGEST_VALUE = 1000  # characters, unless it is text; converting numbers takes quadratic time
HALF_A_PAIR = re.compile("[\ud800-\udfff]")  # which an escape can give, but no file can hold

CORE_VALUES: tuple[tuple[str, str, list[str]], ...] = (  # kind, pattern, first characters
    ("bool", "true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("int", "[-+]?(0|[1-9][0-9]*)", [*"-+0123456789"]),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?", [*"-+.0123456789"]),
    ("null", "~|null|Null|NULL|", ["~", "n", "N", ""]),
)

_TEXT_TAG = "tag:yaml.org,2002:str"
_MAPPING_TAG = "tag:yaml.org,2002:map"
_SEQUENCE_TAG = "tag:yaml.org,2002:seq"


class Unreadable(ValueError):
    """YAML that cannot be read, and the line of the file that shows it."""

    def __init__(self, line: int, found: str, expected: str, remedy: str) -> None:
        super().__init__(phrase(found, expected, remedy))
        self.line = line


class Position(NamedTuple):
    """The line of a key or element; `first_line` is that of an earlier key with the same name."""

    place: Place
    line: int
    first_line: int | None = None


class PositionedYaml(NamedTuple):
    """The values of a document, and the line of each."""

    values: object
    positions: tuple[Position, ...]


def closest_line(lines: Mapping[Place, int], place: Place) -> int:
    """Return the line of a place, or of the closest one around it that has a line, or else 1."""
    ends = range(len(place), 0, -1)
    return next((lines[place[:end]] for end in ends if place[:end] in lines), 1)


def parse_with_positions(
    text: str, first_line: int = 1, *, core_schema: bool = False
) -> PositionedYaml:
    """Parse a YAML document that starts on line `first_line` of its file.

    Values are those of `yaml.safe_load`, that is YAML 1.1; with `core_schema`, they are those of
    YAML 1.2, where `no` and 2026-05-31 are texts.

    Raise Unreadable for invalid YAML, and for aliases, deep nesting and very long numbers: they let
    a small text use a lot of time or memory.
    """
    lines = _Lines(text, first_line)
    try:
        loader = _CoreLoader(text) if core_schema else _BoundedLoader(text)
        root = loader.get_single_node()
        values = None if root is None else loader.construct_document(root)
    except _OutOfBounds as error:
        line = lines.number(error.node_start.index)
        raise Unreadable(line, error.found, error.expected, error.remedy) from None
    except yaml.reader.ReaderError as error:
        found = f"the character U+{error.character:04X}"
        line = lines.number(error.position)
        raise Unreadable(line, found, "printable text", "remove it") from None
    except Exception as error:  # converting a tagged value may raise anything
        mark = getattr(error, "problem_mark", None)
        line = lines.number(mark.index) if mark else first_line
        problem = shorten(getattr(error, "problem", None) or str(error))
        raise Unreadable(line, f"invalid YAML ({problem})", "YAML", _remedy(problem)) from None
    if root is None:
        return PositionedYaml(None, ())
    return PositionedYaml(values, tuple(_Positions(loader, lines).below(root, ())))


def _remedy(problem: str) -> str:
    """Return what to do about a syntax error, judging by PyYAML's words."""
    if "'\\t'" in problem:
        return "indent with spaces, not tabs"
    if "unhashable key" in problem or "mapping values are not allowed" in problem:
        return "put the text in quotes"
    return "correct the syntax"


class _Lines:
    """Finds the line number of a character.

    PyYAML has line numbers too, but it also counts characters such as U+2028, which editors do not.
    """

    def __init__(self, text: str, first_line: int) -> None:
        self._ends = [match.start() for match in re.finditer("\n", text)]
        self._first_line = first_line

    def number(self, index: int) -> int:
        return self._first_line + bisect.bisect_left(self._ends, index)


class _OutOfBounds(Exception):
    """Stops the parser at a node that it refuses."""

    def __init__(self, node_start: Any, found: str, expected: str, remedy: str) -> None:
        super().__init__(found)
        self.node_start = node_start
        self.found = found
        self.expected = expected
        self.remedy = remedy


class _BoundedLoader(yaml.SafeLoader):
    """A safe loader that stops before a small text uses a lot of time or memory."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()
        if isinstance(event, yaml.AliasEvent):
            found = f"the alias *{shorten(str(event.anchor))}"
            raise _OutOfBounds(event.start_mark, found, "values written out", "repeat the value")
        if self._depth == DEEPEST_NESTING:
            found = f"more than {DEEPEST_NESTING} levels of nesting"
            raise _OutOfBounds(
                event.start_mark, found, f"at most {DEEPEST_NESTING}", "make it flatter"
            )
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def compose_scalar_node(self, anchor: Any) -> Any:
        node = super().compose_scalar_node(anchor)
        if half := HALF_A_PAIR.search(node.value):
            found = f"the character U+{ord(half[0]):04X}"
            raise _OutOfBounds(node.start_mark, found, "text", "remove it")
        if node.tag != _TEXT_TAG and len(node.value) > LONGEST_VALUE:
            kind = shorten(node.tag.rpartition(":")[2])
            found = f"a value ({kind}) of {len(node.value):,} characters"
            expected = f"at most {LONGEST_VALUE:,}"
            raise _OutOfBounds(node.start_mark, found, expected, "put it in quotes if it is text")
        return node


class _CoreLoader(_BoundedLoader):
    """A bounded loader that reads all as text but values such as true, 5, 0.5 and null."""


_CoreLoader.yaml_implicit_resolvers = {}  # without those of YAML 1.1
for _kind, _pattern, _first in CORE_VALUES:
    _CoreLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_kind}", re.compile(rf"({_pattern})\Z"), _first
    )


class _Positions:
    """Finds the line of everything below a node."""

    def __init__(self, loader: _BoundedLoader, lines: _Lines) -> None:
        self._loader = loader
        self._lines = lines

    def below(self, node: Any, place: Place) -> Iterator[Position]:
        if node.tag == _MAPPING_TAG:
            yield from self._of_mapping(node, place)
        elif node.tag == _SEQUENCE_TAG:
            for number, value in enumerate(node.value):
                yield Position((*place, number), self._line(value))
                yield from self.below(value, (*place, number))

    def _of_mapping(self, node: yaml.MappingNode, place: Place) -> Iterator[Position]:
        first_lines: dict[Hashable, int] = {}
        for key_node, value in node.value:
            key: Hashable = self._loader.construct_object(key_node, deep=True)
            line = self._line(key_node)
            yield Position((*place, key), line, first_lines.get(key))
            first_lines.setdefault(key, line)
            yield from self.below(value, (*place, key))

    def _line(self, node: yaml.Node) -> int:
        return self._lines.number(node.start_mark.index)
