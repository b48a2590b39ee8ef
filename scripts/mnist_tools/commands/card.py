"""Render the committed cards of the published datasets, or find those that are stale."""

import dataclasses
import difflib
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import mnist_family
from mnist_tools.cards import facts
from mnist_tools.cards.card import Dataset, published, render
from mnist_tools.cards.facts_reference import REFERENCE_FILE, facts_reference
from mnist_tools.cards.measurements import committed, measure_splits
from mnist_tools.cards.pictures import MEANS_FILE, Picture, Pictures, describe_means
from mnist_tools.command_line import command_line
from mnist_tools.described import describe
from mnist_tools.origins import SourceName, find_origins
from mnist_tools.verified import verified

FAMILY = "family"  # the name of the card for all datasets together
REFERENCE = "facts"  # the name of the reference of facts.yaml


@dataclasses.dataclass(frozen=True)
class RenderedCards:
    """Rendered cards by path, and the stale cards that were found there."""

    texts: Mapping[Path, str]
    stale: Mapping[Path, str]  # the text that was found, "" for a missing card
    written: bool


def render_cards(names: Sequence[str] = (), *, check: bool = False) -> RenderedCards:
    """Render the cards in cards/ and write those that are stale; with `check`, write nothing.

    `names` are configs, "family" for the card of all of them, and "facts" for FACTS.md, the
    reference of facts.yaml; by default, all of these. ValueError for an unknown name, wrong facts
    or wrong measurements, or if there is no clone to write to.
    """
    folder = facts.CARDS if check else facts.clone_cards()
    texts = _render(names or _card_names(), folder)
    stale = {path: _read(path) for path, text in texts.items() if _is_stale(path, text)}
    if not check:
        for path in stale:
            path.write_text(texts[path], encoding="utf-8", newline="\n")
    return RenderedCards(texts, stale, written=not check)


def render_card(
    source: SourceName, *, archives: str | os.PathLike[str] | None = None, resize: bool = False
) -> str:
    """Return the text of the card that `build` would write, without the sizes of Parquet files.

    `source`, `archives` and `resize` are those of `build`, for one dataset. The card of a published
    dataset needs no archives. ValueError for a wrong argument, broken data or wrong facts.
    """
    (origin,) = find_origins([source], archives=archives, resize=resize)
    if origin.path is None:
        return render([published(mnist_family.find_config(origin.name), committed(origin.name))])
    with tempfile.TemporaryDirectory(prefix="mnist_family-") as scratch:
        folder = Path(scratch)
        with verified([origin], folder, out=folder) as ready:
            described = [
                describe(each, each.measurements or measure_splits(each.name, each.splits))
                for each in ready
            ]
            return render(described)


def _card_names() -> list[str]:
    return [*(config.name for config in mnist_family.CONFIGS), FAMILY, REFERENCE]


def _render(names: Sequence[str], folder: Path) -> dict[Path, str]:
    for name in names:
        if name not in _card_names():
            expected = f"one or more of {', '.join(_card_names())}"
            raise mnist_family.fault(name, "no such card", expected, "correct the name")
    datasets = {
        config.name: published(config, committed(config.name))
        for config in mnist_family.CONFIGS
        if config.name in names or FAMILY in names
    }
    texts = {
        folder / name / "README.md": render([_with_means(folder, dataset)], project="../..")
        for name, dataset in datasets.items()
        if name in names
    }
    if FAMILY in names:
        described = [_with_means(folder, dataset, f"{name}/") for name, dataset in datasets.items()]
        texts[folder / "README.md"] = render(
            described, project="..", own_card=lambda name: f"{name}/README.md"
        )
    if REFERENCE in names:
        texts[folder / REFERENCE_FILE] = facts_reference()
    return texts


def _with_means(folder: Path, dataset: Dataset, start: str = "") -> Dataset:
    """Add the committed picture of a dataset; its path in the card begins with `start`."""
    if not (folder / dataset.name / MEANS_FILE).exists():
        return dataset
    split = next(iter(dataset.counts))
    text = describe_means(dataset.title, split, dataset.class_names)
    pictures = Pictures(means=(Picture(f"{start}{MEANS_FILE}", text),))
    return dataclasses.replace(dataset, pictures=pictures)


def _is_stale(path: Path, text: str) -> bool:
    return not path.exists() or path.read_bytes() != text.encode()


def _read(path: Path) -> str:
    if not path.exists():
        return ""
    return path.read_bytes().decode(errors="replace")


def run(names: Sequence[str], check: bool) -> int:
    """Render cards and print which were written; with `check`, print how stale ones differ."""
    cards = render_cards(names, check=check)
    if cards.written:
        for path in cards.stale:
            print(f"{path}: written")
        return 0
    for path, before in cards.stale.items():
        print("\n".join(_difference(path, before, cards.texts[path])))
    if not cards.stale:
        return 0
    files = ", ".join(map(str, cards.stale))
    expected, remedy = "what facts and measurements say", f"run {command_line('card')}"
    print(f"{files}: stale, expected {expected}; {remedy}", file=sys.stderr)
    return 1


def _difference(path: Path, before: str, after: str) -> list[str]:
    found, rendered = before.splitlines(), after.splitlines()
    return list(difflib.unified_diff(found, rendered, str(path), "as rendered now", lineterm=""))
