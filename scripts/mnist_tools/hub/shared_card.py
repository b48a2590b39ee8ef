"""Merge and compare a card that is shared with people who may add configs to its front matter."""

import hashlib
import re
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from mnist_family import escape_controls
from mnist_tools.lint import front_matter_of

LISTS = ("configs", "dataset_info")  # keys with an entry for each config
FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(.*?)^---[ \t]*\r?$\n?", re.DOTALL | re.MULTILINE)
LONGEST_LINE = 80  # characters of a line shown in a message


@dataclass(frozen=True)
class Card:
    """The parts of a card; without readable front matter, everything is `body`."""

    front_matter: dict[Hashable, Any]
    comments: tuple[str, ...]  # in the front matter's YAML
    body: str

    def own_part(self, configs: Collection[str]) -> dict[str, object]:
        """Return the front matter without the entries of configs other than `configs`."""
        return {
            str(key): _own_entries(value, configs) if key in LISTS else value
            for key, value in self.front_matter.items()
        }

    def every_config(self) -> set[str]:
        """Return the names of all configs that have an entry."""
        return {name_of(entry) for key in LISTS for entry in entries(self.front_matter, key)}


def parse_card(text: str) -> Card:
    """Split a card into its parts; anyone may have written it."""
    values = front_matter_of(text)
    match = FRONT_MATTER.match(text)
    if not values or match is None:
        return Card({}, (), text)
    front_matter = dict[Hashable, Any](values.items())
    return Card(front_matter, _comments(match[1]), text[match.end() :])


def own_digest(text: str, configs: Collection[str]) -> str:
    """Hash a card, ignoring the entries of other configs and the layout of its YAML."""
    card = parse_card(text)
    parts = [card.own_part(configs), card.comments, card.body]
    return hashlib.sha256(repr(_ordered(parts)).encode()).hexdigest()


def same_cards(text: str, other: str) -> bool:
    """Check whether two cards are equal apart from the layout and order of their YAML."""
    configs = parse_card(text).every_config() | parse_card(other).every_config()
    return own_digest(text, configs) == own_digest(other, configs)


def merge_cards(ours: str, theirs: str, dropped: Collection[str]) -> str:
    """Return our card plus the entries for other configs in the repository's card.

    `dropped` names configs whose entries are left out. If there are entries to add, the YAML
    comments in our card are lost; if there are none, our card is returned unchanged.
    """
    card, other = parse_card(ours), parse_card(theirs)
    left_out = {*dropped, *card.every_config()}
    added = {
        key: [entry for entry in entries(other.front_matter, key) if name_of(entry) not in left_out]
        for key in LISTS
    }
    if not any(added.values()):
        return ours
    if any("default" in entry for entry in entries(card.front_matter, "configs")):
        for entry in added["configs"]:
            entry.pop("default", None)  # with two defaults, the card would be invalid
    front_matter = dict(card.front_matter)
    for key in LISTS:
        front_matter[key] = [*entries(front_matter, key), *added[key]]
    block = yaml.safe_dump(front_matter, allow_unicode=True, sort_keys=False, width=1000)
    return f"---\n{block}---\n{card.body}"


def describe_difference(theirs: str, ours: str, configs: Collection[str]) -> str:
    """Summarise what our card would change or remove in the repository's."""
    card, own = parse_card(theirs), parse_card(ours)
    if not card.front_matter:
        return "front matter that is missing or cannot be read"
    parts, expected = card.own_part(configs), own.own_part(configs)
    keys = [key for key in {**parts, **expected} if parts.get(key) != expected.get(key)]
    lines = {line.strip() for line in own.body.splitlines()}
    others = [line.strip() for line in card.body.splitlines() if line.strip() not in lines]
    found = []
    if keys:
        found.append(f"{', '.join(keys)} in its front matter")
    if card.comments != own.comments:
        found.append("a comment in its front matter")
    if others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        found.append(f"the line '{escape_controls(others[0][:LONGEST_LINE])}'{more}")
    return ", ".join(found) or "lines that were removed or moved"


def entries(front_matter: Mapping[Hashable, Any], key: str) -> list[dict[str, Any]]:
    """List the entries of `configs` or `dataset_info`, which may be a single mapping."""
    value = front_matter.get(key)
    if isinstance(value, dict):
        return [value]
    if not isinstance(value, list):
        return []
    return [entry for entry in value if isinstance(entry, dict)]


def name_of(entry: Mapping[str, Any]) -> str:
    """Return the name of the config that an entry is about."""
    return str(entry.get("config_name", "default"))


def _own_entries(value: object, configs: Collection[str]) -> list[object]:
    """Return the entries of `configs`, sorted by name, and any values that are not entries."""
    listed = value if isinstance(value, list) else [value]
    own = [entry for entry in listed if not isinstance(entry, dict) or name_of(entry) in configs]
    return sorted(own, key=lambda entry: name_of(entry) if isinstance(entry, dict) else "")


def _ordered(value: object) -> object:
    """Sort the keys of all mappings; keys may be of any type."""
    if isinstance(value, dict):
        return sorted(((repr(key), _ordered(each)) for key, each in value.items()), key=repr)
    if isinstance(value, (list, tuple)):
        return [_ordered(each) for each in value]
    return value


def _comments(block: str) -> tuple[str, ...]:
    """Return the comments in YAML, which are found between its tokens."""
    found = []
    position = 0
    for token in yaml.scan(block):
        between = block[position : token.start_mark.index]
        found += [line[line.index("#") :] for line in between.splitlines() if "#" in line]
        position = max(position, token.end_mark.index)
    return tuple(found)
