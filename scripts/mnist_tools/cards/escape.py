"""Escape text from any source for the place in a card where it goes."""

import re
import urllib.parse

JOINERS = "\u200c\u200d"  # needed by Persian, Indic scripts and emoji; they cannot reorder text
URL = re.compile(r"https?://[^\s<>|\\`]*[^\s<>|\\`.,;:!?'\"()\[\]]")
CODE_SPAN = re.compile(r"(`[^`]+`)")
SPECIAL = re.compile(r"[\\`*\[\]<~$|]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)")
ESCAPED = r"\\\g<0>"
CODE_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})(.*)")
STARTS_A_BLOCK = re.compile(r"(#{1,6}|[-+])(\s|$)|[-=:]+$|>|(?<=\d)[.)](\s|$)")


class Markdown(str):
    """Markdown that goes into a card unchanged; every other string is escaped."""

    __slots__ = ()

    def __html__(self) -> str:
        """Return the string itself: for Jinja, it is escaped already."""
        return self


def printable(text: str) -> str:
    """Return text as one line, with control and invisible characters escaped, such as `\\x1b`."""
    return _show_controls(" ".join(text.split()))


def _show_controls(line: str) -> str:
    return "".join(
        char if char.isprintable() or char in JOINERS else char.encode("unicode_escape").decode()
        for char in line
    )


def escape_text(text: str) -> Markdown:
    """Return Markdown that shows the text literally, in a paragraph, list, heading or cell."""
    return protect_start(escape_words(printable(text)))


def escape_words(text: str) -> str:
    """Escape characters that Markdown would interpret within a line, and turn URLs into links."""
    escaped, position = "", 0
    text = _show_controls(re.sub(r"\s", " ", text))
    for match in URL.finditer(text):
        escaped += SPECIAL.sub(ESCAPED, text[position : match.start()])
        escaped += autolink(match[0])
        position = match.end()
    return escaped + SPECIAL.sub(ESCAPED, text[position:])


def escape_prose(text: str) -> str:
    """Escape a sentence as `escape_words` does, but keep `code` as code."""
    pieces = CODE_SPAN.split(text)
    pieces[::2] = [escape_words(words) for words in pieces[::2]]
    pieces[1::2] = [_show_controls(code) for code in pieces[1::2]]
    return "".join(pieces)


def protect_start(line: str) -> Markdown:
    """Escape the start of a line if Markdown would read it as a heading, list, quote or rule."""
    digits = len(line) - len(line.lstrip("0123456789"))
    if STARTS_A_BLOCK.match(line, digits):
        return Markdown(f"{line[:digits]}\\{line[digits:]}")
    return Markdown(line)


def link(text: str, url: str) -> Markdown:
    """Return a link that shows `text`."""
    return Markdown(f"[{_escape_label(text)}]({_quote_url(url)})")


def _escape_label(text: str) -> str:
    return SPECIAL.sub(ESCAPED, printable(text))


def autolink(url: str) -> Markdown:
    """Return a link that shows its own URL."""
    return Markdown(f"<{_quote_url(url)}>")


def image(text: str, path: str) -> Markdown:
    """Return an image at a path in the folder, with `text` as its alternative text."""
    return Markdown(f"![{_escape_label(text)}]({urllib.parse.quote(path)})")


def code_span(text: str) -> Markdown:
    """Return text as inline code."""
    line = printable(text)
    fence = "`" * (_longest_run_of_backticks(line) + 1)
    padding = " " if line.startswith("`") or line.endswith("`") else ""
    return Markdown(f"{fence}{padding}{line}{padding}{fence}")


def code_block(text: str, language: str = "") -> Markdown:
    """Return text as a code block, whatever it contains."""
    lines = [_show_controls(line.expandtabs(4).rstrip()) for line in text.strip("\n").splitlines()]
    fence = "`" * max(3, _longest_run_of_backticks(text) + 1)
    return Markdown("\n".join([f"{fence}{language}", *lines, fence]))


def join_blank_lines(text: str) -> str:
    """Return Markdown in which no two blank lines follow one another, except in code blocks."""
    kept: list[str] = []
    fence = ""
    for line in text.split("\n"):
        if fence or line or not kept or kept[-1]:
            kept.append(line)
        fence = fence_after(line, fence)
    return "\n".join(kept)


def fence_after(line: str, fence: str) -> str:
    """Return the fence of the code block that is open after a line, or "".

    `fence` is the result for the line before it.
    """
    found = CODE_FENCE.match(line)
    if found is None:
        return fence
    if not fence:
        return found[1]
    closes = found[1].startswith(fence) and not found[2].strip()
    return "" if closes else fence


def _longest_run_of_backticks(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _quote_url(url: str) -> str:
    """Percent-encode what could end a link: spaces, parentheses, angle brackets, controls."""
    return urllib.parse.quote(url, safe="!#$%&*+,-./:;=?@_~")
