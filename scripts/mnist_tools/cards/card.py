"""Render dataset cards and LICENSE.md from templates, facts, measurements and tables."""

import functools
import itertools
import json
import re
import urllib.parse
from collections.abc import Callable, Sequence
from pathlib import Path

import jinja2

import mnist_family
from mnist_tools.cards import escape, facts, neighbour_tables, tables
from mnist_tools.cards.chosen_rows import picture_of
from mnist_tools.cards.dataset import Dataset, own, published, unpublished, words_of
from mnist_tools.cards.facts import FamilyFacts, family_facts
from mnist_tools.cards.figures import show_figure
from mnist_tools.cards.front_matter import front_matter
from mnist_tools.cards.statements import Source, Statement
from mnist_tools.class_names_file import class_names_path

__all__ = ["Dataset", "own", "pretty_name", "published", "render", "render_licence", "unpublished"]

CARD, LICENCE = "card.md.j2", "license.md.j2"
LOADED_FOLDER = re.compile(r'load_dataset\(("\./(?:[^"\\]|\\.)*")')
CAUTIONS = 5  # at the top of a card


def own_card_path(config: str) -> str:
    """Return the path of one dataset's card in a built folder of several.

    The dataset's own folder holds only Parquet files, because pandas, Polars and Spark read every
    file in a folder.
    """
    return f"dataset_cards/{config}.md"


class Cited:
    """The sources that a card has cited so far, each once, in order."""

    def __init__(self) -> None:
        self._by_name: dict[str, Source] = {}

    @property
    def sources(self) -> list[Source]:
        """Return the sources; of several with the same name, the first."""
        return [*self._by_name.values()]

    def add(self, source: Source) -> escape.Markdown:
        """Note a source, and print nothing."""
        self._by_name.setdefault(source.name, source)
        return escape.Markdown("")


def render(
    datasets: Sequence[Dataset],
    *,
    location: str | None = None,
    project: str | None = None,
    own_card: Callable[[str], str] = own_card_path,
) -> str:
    """Render the card of one dataset, or of several in one folder.

    `location` is the path that the card passes to `load_dataset`; without it, the card loads
    published datasets with mnist_family, and others from a path to fill in. `project` is a link to
    this project, by default the one in the facts. `own_card` returns the path of a dataset's own
    card, to which a card of several datasets links.
    """
    family = family_facts()
    name = pretty_name(datasets, family)
    block = escape.Markdown(front_matter(datasets, family, name))
    if location is None and not all(dataset.kind == "published" for dataset in datasets):
        location = "path/to/this/folder"
    return _render_card(
        datasets,
        front_matter=block,
        location=location,
        own_card=lambda dataset: escape.Markdown(urllib.parse.quote(own_card(dataset.name))),
        project=project,
    )


def render_part(dataset: Dataset, datasets: Sequence[Dataset], *, location: str) -> str:
    """Render the card of one of several datasets in a folder, to be written at `own_card_path`.

    It has no front matter, which is only in the card of the whole folder.
    """
    whole = pretty_name(datasets, family_facts())
    return _render_card([dataset], location=location, root="../", whole=whole)


def _render_card(datasets: Sequence[Dataset], **names: object) -> str:
    family = family_facts()
    name = pretty_name(datasets, family)
    defaults = {
        **_shared_names(datasets, family),
        "front_matter": None,
        "pretty_name": name,
        "root": "",  # how links to the folder's files begin
        "sources_in_card": True,
        "whole": None,
        "whole_family": name == family.pretty_name,
    }
    project = names.get("project") or family.project
    template = _environment(facts.CARDS).get_template(CARD)
    return escape.join_blank_lines(template.render({**defaults, **names, "project": project}))


def render_licence(datasets: Sequence[Dataset]) -> str:
    """Render LICENSE.md, with the notices and attributions that the licences require."""
    template = _environment(facts.CARDS).get_template(LICENCE)
    names = _shared_names(datasets, family_facts())
    return escape.join_blank_lines(template.render(**names, sources_in_card=False))


def render_template(name: str, **values: object) -> str:
    """Render a template of cards/ that is about no dataset."""
    return _environment(facts.CARDS).get_template(name).render(**values)


def pretty_name(datasets: Sequence[Dataset], family: FamilyFacts) -> str:
    """Return the title of a card."""
    published_names = [each.name for each in datasets if each.kind == "published"]
    if published_names == [config.name for config in mnist_family.CONFIGS]:
        return family.pretty_name
    return ", ".join(dataset.title for dataset in datasets)


def load_from(text: str, repo_id: str) -> str:
    """Return the text of a card whose code loads a repository instead of the folder with the card.

    The folder is the one that the first `load_dataset` of the card loads, if its path is relative.
    """
    first = LOADED_FOLDER.search(text)
    if first is None:
        return text
    return text.replace(f"load_dataset({first[1]}", f"load_dataset({_literal(repo_id)}")


def _shared_names(datasets: Sequence[Dataset], family: FamilyFacts) -> dict[str, object]:
    return {
        "datasets": datasets,
        "several": len(datasets) > 1,
        "cited": Cited(),
        "first_told": functools.partial(_first, several=len(datasets) > 1),
        "any_published": any(dataset.kind == "published" for dataset in datasets),
        "family": family,
        "shape": " × ".join(map(str, mnist_family.IMAGE_SHAPE)),
        "shape_in_code": ", ".join(map(str, mnist_family.IMAGE_SHAPE)),
    }


# --- Issues ---------------------------------------------------------------------------------------


def cautions_of(datasets: Sequence[Dataset]) -> list[tuple[Dataset, Statement]]:
    """Return the known issues for the top of a card, taking one from each dataset in turn."""
    issues = [[(dataset, each) for each in _issues(dataset)] for dataset in datasets]
    in_turn = itertools.chain(*itertools.zip_longest(*issues))
    chosen = [each for each in in_turn if each is not None][:CAUTIONS]
    return [each for of_dataset in issues for each in of_dataset if each in chosen]


def further_issues(datasets: Sequence[Dataset], dataset: Dataset) -> tuple[Statement, ...]:
    """Return the known issues of a dataset that are not at the top of the card."""
    shown = [statement for owner, statement in cautions_of(datasets) if owner is dataset]
    return tuple(each for each in told(dataset, ["known_issues"]) if each not in shown)


def _first(
    dataset: Dataset, topics: Sequence[str], most: int, *, several: bool
) -> tuple[Statement, ...]:
    """Return what facts say on each topic; only the first statements in a card of several."""
    statements = (told(dataset, [topic]) for topic in topics)
    return tuple(itertools.chain(*(each[:most] if several else each for each in statements)))


def _issues(dataset: Dataset) -> list[Statement]:
    """Return the first issues of a dataset, up to a table."""
    issues = told(dataset, ["known_issues"])
    return [*itertools.takewhile(lambda each: each.kind != "table", issues)]


def told(dataset: Dataset, topics: Sequence[str]) -> tuple[Statement, ...]:
    """Return what facts say on some topics, without what is unknown."""
    statements = itertools.chain(*(dataset.facts.about(topic) for topic in topics))
    return tuple(each for each in statements if each.kind != "unknown")


# --- For templates --------------------------------------------------------------------------------


@functools.cache
def _environment(folder: Path) -> jinja2.Environment:
    """Return the environment of the templates; text is escaped in them unless it is Markdown."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder, encoding="utf-8"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        finalize=_as_markdown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["figure"] = show_figure
    environment.globals.update(
        cautions_of=cautions_of,
        class_names_path=class_names_path,
        code_block=escape.code_block,
        code_span=escape.code_span,
        further_issues=further_issues,
        image=escape.image,
        link=escape.link,
        literal=_literal,
        normalisation_code=_normalisation_code,
        neighbours=neighbour_tables,
        own_markdown=escape.Markdown,
        picture_of=picture_of,
        prose=_prose,
        split_option=_split_option,
        tables=tables,
        told=told,
    )
    return environment


def _as_markdown(value: object) -> object:
    """Escape what a template prints; of Markdown, only strip newlines at its start and end.

    Macros may therefore start and end with blank lines, which do not appear where they are used.
    """
    if value is None:
        raise TypeError("a template prints None, expected text; check it in the template")
    if hasattr(value, "__html__"):
        return escape.Markdown(str(value).strip("\n"))
    return escape.escape_text(str(value))


def _prose(statement: Statement, dataset: Dataset | None) -> escape.Markdown:
    """Return the text of a statement as Markdown, with its figures filled in."""
    figures = {} if dataset is None else dataset.figures
    words = words_of(statement, figures, escape=escape.escape_prose)
    return escape.protect_start(words)


def _literal(text: str) -> escape.Markdown:
    """Return text as a Python string literal."""
    return escape.Markdown(json.dumps(text, ensure_ascii=False))


def _split_option(split: str) -> escape.Markdown:
    """Return the argument that loads one split, as Python code."""
    return escape.Markdown(f", split={_literal(split)}")


def _normalisation_code(dataset: Dataset) -> str:
    """Return Python code with the mean and standard deviation of the training pixels."""
    train = dataset.measured_splits["train"]
    return f"mean, std = {train.mean}, {train.standard_deviation}"
