"""Render dataset cards and LICENSE.md from templates, facts, measurements and tables."""

import functools
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import jinja2

import mnist_family
from mnist_tools.cards import escape, facts, tables
from mnist_tools.cards.dataset import Dataset, own, published, unpublished, words_of
from mnist_tools.cards.facts import FamilyFacts, family_facts
from mnist_tools.cards.figures import show_figure
from mnist_tools.cards.front_matter import front_matter
from mnist_tools.cards.statements import Source, Statement

__all__ = ["Dataset", "own", "pretty_name", "published", "render", "render_licence", "unpublished"]

CARD, LICENCE = "card.md.j2", "license.md.j2"
HEADING = re.compile(r"^(##|###) (.*)$", re.MULTILINE)


def render(datasets: Sequence[Dataset]) -> str:
    """Render the card of one dataset, or of several in one folder."""
    family = family_facts()
    name = pretty_name(datasets, family)
    template = _environment(facts.CARDS).get_template(CARD)
    return template.render(
        **_shared_names(datasets, family),
        front_matter=escape.Markdown(front_matter(datasets, family, name)),
        pretty_name=name,
        contents=_contents(),
        sources=_sources(datasets, family),
        sources_in_card=True,
    )


def render_licence(datasets: Sequence[Dataset]) -> str:
    """Render LICENSE.md, with the notices and attributions that the licences require."""
    template = _environment(facts.CARDS).get_template(LICENCE)
    return template.render(**_shared_names(datasets, family_facts()), sources_in_card=False)


def pretty_name(datasets: Sequence[Dataset], family: FamilyFacts) -> str:
    """Return the title of a card."""
    published_names = [each.name for each in datasets if each.kind == "published"]
    if published_names == [config.name for config in mnist_family.CONFIGS]:
        return family.pretty_name
    return ", ".join(dataset.title for dataset in datasets)


def _shared_names(datasets: Sequence[Dataset], family: FamilyFacts) -> dict[str, object]:
    return {
        "datasets": datasets,
        "several": len(datasets) > 1,
        "any_published": any(dataset.kind == "published" for dataset in datasets),
        "family": family,
        "shape": " × ".join(map(str, mnist_family.IMAGE_SHAPE)),
        "shape_in_code": ", ".join(map(str, mnist_family.IMAGE_SHAPE)),
        "one_sentence_each": functools.partial(_one_sentence_each, datasets),
    }


def _one_sentence_each(datasets: Sequence[Dataset], topic: str) -> bool:
    """Check whether a topic has one statement per dataset, and no table or measurement."""
    sections = [dataset.facts.about(topic) for dataset in datasets]
    return all(len(each) == 1 and each[0].kind not in ("table", "measured") for each in sections)


def _sources(datasets: Sequence[Dataset], family: FamilyFacts) -> list[Source]:
    """Return the sources of a card's statements: the family's, then each dataset's."""
    return list(dict.fromkeys(_cited(datasets, family)))


def _cited(datasets: Sequence[Dataset], family: FamilyFacts) -> Iterator[Source]:
    if any(dataset.kind == "published" for dataset in datasets):
        for statements in family.topics.values():
            for statement in statements:
                yield from statement.sources
    for dataset in datasets:
        if dataset.measurements is None and dataset.facts.published_counts is not None:
            yield dataset.facts.published_counts.source
        for statements in (*dataset.facts.topics.values(), dataset.facts.licence.statements):
            for statement in statements:
                yield from statement.sources


def _contents() -> escape.Markdown:
    """Return a table of contents: the headings after it, which are literal in the template."""
    template = (facts.CARDS / CARD).read_text(encoding="utf-8")
    _, _, rest = template.partition("{{ contents }}")
    lines = []
    for level, heading in HEADING.findall(rest):
        indent = "" if level == "##" else "  "
        lines.append(f"{indent}- [{heading}](#{_anchor(heading)})")
    return escape.Markdown("\n".join(lines))


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


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
        code_block=escape.code_block,
        code_span=escape.code_span,
        example_row=_example_row,
        feature_code=_feature_code,
        image=escape.image,
        link=escape.link,
        literal=_literal,
        normalisation_code=_normalisation_code,
        prose=_prose,
        tables=tables,
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


def _example_row(dataset: Dataset) -> str:
    """Return the first row as Python prints it."""
    labels = next(iter(dataset.measured_splits.values())).first_labels
    size = "x".join(map(str, mnist_family.IMAGE_SHAPE))
    picture = f"<PIL.PngImagePlugin.PngImageFile image mode=L size={size}>"
    return f"{{'image': {picture}, 'label': {labels[0]}}}"


def _normalisation_code(dataset: Dataset) -> str:
    """Return Python code with the mean and standard deviation of the training pixels."""
    train = dataset.measured_splits["train"]
    return f"mean, std = {train.mean}, {train.standard_deviation}"


def _feature_code(dataset: Dataset) -> str:
    """Return the features as Python code."""
    names = "".join(f"        {name!r},\n" for name in dataset.class_names)
    return (
        f"Features({{\n    'image': Image(),\n    'label': ClassLabel(names=[\n{names}    ]),\n}})"
    )
