"""Read and check the facts about the datasets: cards/facts.yaml and cards/<name>/facts.yaml."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import mnist_family
from mnist_tools.cards.statements import (
    Source,
    Statement,
    Yaml,
    name_sources,
    read_sections,
    read_sources,
    read_sources_with_shared,
    read_statements,
)
from mnist_tools.cards.strict_yaml import read_facts_file

INSTALLED_CARDS = Path(__file__).parents[1] / "card_data"  # exists only in a wheel
CARDS = INSTALLED_CARDS if INSTALLED_CARDS.is_dir() else Path(__file__).parents[3] / "cards"


@dataclass(frozen=True)
class Author:
    """A person or organization that made a dataset."""

    name: str
    type: Literal["person", "organization"] = "person"
    affiliation: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class Paper:
    """The paper that introduced a dataset."""

    text: str
    url: str | None = None


@dataclass(frozen=True)
class Licence:
    """A licence with its evidence; `id` is set only if it differs from `mnist_family.CONFIGS`."""

    name: str
    statements: tuple[Statement, ...]
    id: str | None = None
    spdx: str | None = None
    url: str | None = None
    attribution: str | None = None
    notice: str | None = None


@dataclass(frozen=True)
class PublishedSplit:
    """The size of a split, as stated by its publisher."""

    rows: int
    rows_of_each_class: int


@dataclass(frozen=True)
class PublishedCounts:
    """The sizes of splits as published, for datasets that have not been measured."""

    source: Source
    splits: Mapping[str, PublishedSplit]


@dataclass(frozen=True)
class DatasetFacts:
    """The facts about one dataset, from the file at `path`."""

    path: Path
    tags: tuple[str, ...]
    language: tuple[str, ...]
    annotations_creators: tuple[str, ...]
    source_datasets: tuple[str, ...]
    authors: tuple[Author, ...]
    repository: str | None
    paper: Paper | None
    sections: Mapping[str, tuple[Statement, ...]]
    licence: Licence
    citations: tuple[str, ...]
    title: str | None
    note: str | None
    date_published: str | None
    published_counts: PublishedCounts | None


@dataclass(frozen=True)
class Releases:
    """The releases of `datasets` that a way of loading needs."""

    script: str
    module: str
    lazy_column: str


@dataclass(frozen=True)
class FamilyFacts:
    """Facts about the family as a whole."""

    pretty_name: str
    license_name: str
    license_link: str
    date_published: str
    tags: tuple[str, ...]
    releases: Releases
    sections: Mapping[str, tuple[Statement, ...]]
    versions: Mapping[str, str]
    glossary: Mapping[str, str]


def family_facts() -> FamilyFacts:
    """Read the facts about the family. ValueError names the file and the key that is wrong."""
    path = CARDS / "facts.yaml"
    facts = read_facts_file(path, "family")
    return FamilyFacts(
        pretty_name=facts["pretty_name"],
        license_name=facts["license_name"],
        license_link=facts["license_link"],
        date_published=facts["date_published"],
        tags=tuple(facts["tags"]),
        releases=Releases(**facts["releases"]),
        sections=read_sections(path, facts["sections"], read_sources(facts["sources"])),
        versions=facts["versions"],
        glossary=facts["glossary"],
    )


def dataset_facts(name: str) -> DatasetFacts:
    """Read the facts about a config, or about `synthetic` or `own` datasets.

    ValueError names the file and the key that is wrong.
    """
    path = CARDS / name / "facts.yaml"
    facts = read_facts_file(path, "dataset")
    shared = read_facts_file(CARDS / "facts.yaml", "family")["sources"]
    sources = read_sources_with_shared(path, facts["sources"], shared)
    links = facts["links"]
    return DatasetFacts(
        path=path,
        tags=tuple(facts["tags"]),
        language=tuple(facts["language"]),
        annotations_creators=tuple(facts["annotations_creators"]),
        source_datasets=tuple(facts["source_datasets"]),
        authors=tuple(Author(**author) for author in facts["authors"]),
        repository=links.get("repository"),
        paper=Paper(**links["paper"]) if "paper" in links else None,
        sections=read_sections(path, facts["sections"], sources),
        licence=_licence(path, facts["licence"], sources),
        citations=tuple(entry.strip() for entry in facts["citations"]),
        title=facts.get("title"),
        note=facts.get("note"),
        date_published=facts.get("date_published"),
        published_counts=_published_counts(path, facts.get("published_counts"), sources),
    )


def clone_cards() -> Path:
    """Return the clone's `cards/`, to write into; ValueError if installed from a wheel."""
    if CARDS == INSTALLED_CARDS:
        found, expected = "part of an installed package", "the folder cards/ of a clone"
        raise mnist_family.fault(str(CARDS), found, expected, "run this in a clone of the project")
    return CARDS


def _licence(path: Path, found: Yaml, sources: Mapping[str, Source]) -> Licence:
    statements = read_statements(f"{path}: licence", found["statements"], sources)
    return Licence(**{**found, "statements": statements})


def _published_counts(
    path: Path, found: Yaml | None, sources: Mapping[str, Source]
) -> PublishedCounts | None:
    if found is None:
        return None
    (source,) = name_sources(f"{path}: published_counts", [found["source"]], sources)
    return PublishedCounts(
        source, {split: PublishedSplit(**size) for split, size in found["splits"].items()}
    )
