"""Parse YAML that anyone wrote, in bounded time and memory, and know the line of every key."""

import bisect
import re
from collections.abc import Hashable, Iterator
from typing import Any, NamedTuple

import yaml

from mnist_tools.lint.finding import Place, shorten, word

DEEPEST_NESTING = 50  # levels; features may be nested, but nobody nests fifty of them
LONGEST_VALUE = 1000  # characters, except of text; converting numbers takes the square of them

_TEXT_TAG = "tag:yaml.org,2002:str"
_MAPPING_TAG = "tag:yaml.org,2002:map"
_SEQUENCE_TAG = "tag:yaml.org,2002:seq"


class Unreadable(ValueError):
    """Says that front matter cannot be read, and in which line of the card that shows."""

    def __init__(self, line: int, found: str, expected: str, remedy: str) -> None:
        super().__init__(word(found, expected, remedy))
        self.line = line


class Position(NamedTuple):
    """The line of a key or of an element; `first_line` is set where a mapping has the key twice."""

    place: Place
    line: int
    first_line: int | None = None


class PositionedYaml(NamedTuple):
    """The values that `yaml.safe_load` would return, and where each of them stands."""

    values: object
    positions: tuple[Position, ...]


def parse_with_positions(text: str, first_line: int) -> PositionedYaml:
    """Parse a YAML document whose first line is line `first_line` of its file.

    Raises Unreadable for what is not YAML, and for aliases, deep nesting and very long numbers,
    with which a small text takes up a lot of time or memory.
    """
    lines = _Lines(text, first_line)
    try:
        loader = _BoundedLoader(text)
        root = loader.get_single_node()
        values = None if root is None else loader.construct_document(root)
    except _OutOfBounds as error:
        line = lines.number(error.node_start.index)
        raise Unreadable(line, error.found, error.expected, error.remedy) from None
    except yaml.reader.ReaderError as error:
        found = f"the character U+{error.character:04X}"
        line = lines.number(error.position)
        raise Unreadable(line, found, "printable text", "remove it") from None
    except Exception as error:  # tags convert values, and raise KeyError or TypeError as they like
        mark = getattr(error, "problem_mark", None)
        line = lines.number(mark.index) if mark else first_line
        problem = shorten(getattr(error, "problem", None) or str(error))
        raise Unreadable(line, f"invalid YAML ({problem})", "YAML", "correct the syntax") from None
    if root is None:
        return PositionedYaml(None, ())
    return PositionedYaml(values, tuple(_Positions(loader, lines).below(root, ())))


class _Lines:
    """Turns the index of a character into the number of its line.

    The marks of PyYAML have a line as well, but they also count characters such as U+2028, which
    no editor does.
    """

    def __init__(self, text: str, first_line: int) -> None:
        self._ends = [match.start() for match in re.finditer("\n", text)]
        self._first_line = first_line

    def number(self, index: int) -> int:
        return self._first_line + bisect.bisect_left(self._ends, index)


class _OutOfBounds(Exception):
    """Stops the parser at a node that is refused."""

    def __init__(self, node_start: Any, found: str, expected: str, remedy: str) -> None:
        super().__init__(found)
        self.node_start = node_start
        self.found = found
        self.expected = expected
        self.remedy = remedy


class _BoundedLoader(yaml.SafeLoader):
    """A safe loader that refuses what makes a small text expensive, before it is expensive."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()
        if isinstance(event, yaml.AliasEvent):
            found = f"the alias *{shorten(str(event.anchor))}"
            raise _OutOfBounds(
                event.start_mark, found, "values in full", "write the value out instead"
            )
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
        if node.tag != _TEXT_TAG and len(node.value) > LONGEST_VALUE:
            kind = shorten(node.tag.rpartition(":")[2])
            found = f"a value ({kind}) of {len(node.value):,} characters"
            expected = f"at most {LONGEST_VALUE:,}"
            raise _OutOfBounds(node.start_mark, found, expected, "put it into quotes if it is text")
        return node


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
