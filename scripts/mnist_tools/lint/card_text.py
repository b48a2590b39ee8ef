"""Read the front matter of a card, with the line of every value."""

import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mnist_tools.lint.finding import Finding
from mnist_tools.wording import Place, phrase, shorten, show_place
from mnist_tools.yaml_positions import Position, Unreadable, closest_line, parse_with_positions

LONGEST_FRONT_MATTER = 250_000  # characters; parsing them takes up to five seconds

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BLOCK = re.compile(r"(---[ \t]*)\n(.*?)^(---[ \t]*)$", re.DOTALL | re.MULTILINE)
_FIRST_LINE = 2  # the YAML starts after a line with ---


@dataclass(frozen=True)
class FrontMatter:
    """The values of a card's front matter, and their lines."""

    path: Path
    values: dict[Hashable, object]
    positions: tuple[Position, ...]
    lines: dict[Place, int]

    def finding(self, place: Place, found: str, expected: str, remedy: str) -> Finding:
        """Return a finding about the value at `place`."""
        text = phrase(f"{show_place(place)}: {found}", expected, remedy)
        return Finding(self.path, self.line(place), text)

    def line(self, place: Place) -> int:
        """Return the line of `place`, or of the closest enclosing key that has one."""
        return closest_line(self.lines, place)


def read_front_matter(path: Path, content: bytes) -> FrontMatter:
    """Parse the front matter of a card; raise Unreadable if that is impossible."""
    text = _find_block(_decode(content))[2]
    if len(text) > LONGEST_FRONT_MATTER:
        found = f"front matter of {len(text):,} characters"
        expected = f"at most {LONGEST_FRONT_MATTER:,}"
        raise Unreadable(1, found, expected, "move text below it")
    values, positions = parse_with_positions(text, _FIRST_LINE)
    if not isinstance(values, dict):
        found = "nothing" if values is None else f"a {type(values).__name__}"
        raise Unreadable(_FIRST_LINE, found, "a mapping", "write key: value lines")
    lines = {position.place: position.line for position in positions}
    return FrontMatter(path, values, positions, lines)


def check_encoding(path: Path, content: bytes) -> Iterator[Finding]:
    """Find a byte order mark or carriage returns, which hide front matter from some readers."""
    if content.startswith(_BYTE_ORDER_MARK):
        text = phrase("a byte order mark", "--- at the very start", "save the card without it")
        yield Finding(path, 1, text)
    if b"\r" in content:
        line = content.count(b"\n", 0, content.index(b"\r")) + 1
        text = phrase("a carriage return", "lines that end in LF", "convert the line endings")
        yield Finding(path, line, text)


def check_fences(path: Path, content: bytes) -> Iterator[Finding]:
    """Find spaces after ---, which keep some huggingface_hub releases from seeing front matter."""
    text = _decode(content)
    block = _find_block(text)
    for fence in (1, 3):
        if block[fence] != "---":
            line = text.count("\n", 0, block.start(fence)) + 1
            yield Finding(path, line, phrase("spaces after ---", "--- alone", "remove them"))


def check_repeated_keys(card: FrontMatter) -> Iterator[Finding]:
    """Find keys that are repeated in a mapping; readers silently keep the last one."""
    for place, line, first_line in card.positions:
        if first_line is not None:
            found = f"{shorten(str(place[-1]))}: repeated, first on line {first_line}"
            yield Finding(card.path, line, phrase(found, "each key once", "remove one"))


def _decode(content: bytes) -> str:
    content = content.removeprefix(_BYTE_ORDER_MARK)
    content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"the byte {content[error.start]:#04x}"
        raise Unreadable(line, found, "UTF-8", "save the card as UTF-8") from None


def _find_block(text: str) -> re.Match[str]:
    match = _BLOCK.match(text)
    if match is None:
        opened = re.match(r"---[ \t]*\n", text)
        found = "front matter that is not closed" if opened else "no front matter"
        raise Unreadable(1, found, "YAML between two --- lines", "add what is missing")
    return match
