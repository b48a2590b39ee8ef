"""Read and check facts about datasets: facts.yaml of any dataset, and cards/facts.yaml."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import mnist_family
from mnist_tools.cards.fact_checks import ORCID_URL, check_facts
from mnist_tools.cards.facts_file import FactsFile, answer_keys, read_facts_file
from mnist_tools.cards.statements import (
    URL_START,
    Source,
    Statement,
    Yaml,
    listed,
    name_sources,
    read_answer,
    read_sources,
    read_topics,
)
from mnist_tools.licences import UNKNOWN_LICENCE, find_licence

INSTALLED_CARDS = Path(__file__).parents[1] / "card_data"  # exists only in a wheel
CARDS = INSTALLED_CARDS if INSTALLED_CARDS.is_dir() else Path(__file__).parents[3] / "cards"
FACTS_FILE = "facts.yaml"
FAMILY_TOPICS = ("splits", "structure", "known_issues")


@dataclass(frozen=True)
class Author:
    """A person or organization that made a dataset; `orcid` is the iD without a URL."""

    name: str
    type: Literal["person", "organization"] = "person"
    affiliation: str | None = None
    url: str | None = None
    orcid: str | None = None


@dataclass(frozen=True)
class Paper:
    """The paper that introduced a dataset."""

    title: str
    url: str | None = None


@dataclass(frozen=True)
class Licence:
    """A licence with its evidence; `id` is the Hub's, or None if facts.yaml gives none."""

    name: str
    id: str | None = None
    statements: tuple[Statement, ...] = ()
    spdx: str | None = None
    url: str | None = None
    attribution: str | None = None
    notice: str | None = None


NO_LICENCE = Licence("No licence stated")


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
    """The facts about one dataset, from the file at `path`; what it does not say is empty.

    `topics` has the statements on each topic that is answered, in the order of the schema; `about`
    looks one up. `more` has Markdown by heading.
    """

    path: Path
    title: str | None = None
    licence: Licence = NO_LICENCE
    topics: Mapping[str, tuple[Statement, ...]] = field(default_factory=dict)
    authors: tuple[Author, ...] = ()
    homepage: str | None = None
    repository: str | None = None
    paper: Paper | None = None
    citations: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    version: str | None = None
    date_published: str | None = None
    contact: str | None = None
    note: str | None = None
    annotations_creators: tuple[str, ...] = ()
    source_datasets: tuple[str, ...] = ()
    more: Mapping[str, str] = field(default_factory=dict)
    published_counts: PublishedCounts | None = None

    def about(self, topic: str) -> tuple[Statement, ...]:
        """Return the statements on a topic, such as "rationale"; () if nothing is said of it."""
        return self.topics.get(topic, ())


@dataclass(frozen=True)
class Releases:
    """Releases of `datasets` in which something changed."""

    lazy_column: str  # the first whose dataset["image"] decodes nothing by itself


@dataclass(frozen=True)
class FamilyFacts:
    """Facts about the family as a whole."""

    pretty_name: str
    description: str
    date_published: str
    tags: tuple[str, ...]
    releases: Releases
    topics: Mapping[str, tuple[Statement, ...]]
    versions: Mapping[str, str]
    glossary: Mapping[str, str]
    project: str | None = None  # the URL of this project


def family_facts() -> FamilyFacts:
    """Read the facts about the family. ValueError names the file and the key that is wrong."""
    path = CARDS / FACTS_FILE
    file = read_facts_file(path, "family")
    facts = file.values
    return FamilyFacts(
        pretty_name=facts["pretty_name"],
        description=facts["description"],
        date_published=facts["date_published"],
        tags=tuple(facts["tags"]),
        releases=Releases(**facts["releases"]),
        topics=read_topics(file, FAMILY_TOPICS, read_sources(facts["sources"])),
        versions=facts["versions"],
        glossary=facts["glossary"],
        project=facts.get("project"),
    )


def dataset_facts(name: str) -> DatasetFacts:
    """Read the facts in cards/<name>: those of a config, or "synthetic" or "own".

    Their statements may also name the sources in cards/facts.yaml. ValueError names the file and
    the key that is wrong.
    """
    shared = read_facts_file(CARDS / FACTS_FILE, "family").values["sources"]
    return _read(CARDS / name / FACTS_FILE, shared)


def read_facts(path: Path) -> DatasetFacts:
    """Read somebody's facts.yaml. ValueError names the file and the key that is wrong."""
    return _read(path, {})


def no_facts(title: str, path: Path = Path(FACTS_FILE)) -> DatasetFacts:
    """Return facts that give a title and nothing else."""
    return DatasetFacts(path, title)


def clone_cards() -> Path:
    """Return the clone's `cards/`, to write into; ValueError if installed from a wheel."""
    if CARDS == INSTALLED_CARDS:
        found, expected = "part of an installed package", "the folder cards/ of a clone"
        raise mnist_family.fault(str(CARDS), found, expected, "run this in a clone of the project")
    return CARDS


# --- From YAML ------------------------------------------------------------------------------------


def _read(path: Path, shared_sources: Mapping[str, Yaml]) -> DatasetFacts:
    file = read_facts_file(path, "facts")
    facts = file.values
    sources = _sources(file, shared_sources)
    check_facts(file)
    return DatasetFacts(
        path=path,
        title=facts.get("title"),
        licence=_licence(file, sources),
        topics=read_topics(file, answer_keys(), sources),
        authors=tuple(_author(author) for author in facts.get("authors", ())),
        homepage=facts.get("homepage"),
        repository=facts.get("repository"),
        paper=_paper(facts.get("paper")),
        citations=tuple(entry.strip() for entry in listed(facts.get("citation", []))),
        languages=tuple(facts.get("languages", ())),
        tags=tuple(facts.get("tags", ())),
        version=facts.get("version"),
        date_published=facts.get("date_published"),
        contact=facts.get("contact"),
        note=facts.get("note"),
        annotations_creators=tuple(facts.get("annotations_creators", ())),
        source_datasets=tuple(facts.get("source_datasets", ())),
        more=facts.get("more", {}),
        published_counts=_published_counts(file, sources),
    )


def _sources(file: FactsFile, shared: Mapping[str, Yaml]) -> dict[str, Source]:
    own = file.values.get("sources", {})
    for key in own:
        if key in shared:
            expected = "a key that cards/facts.yaml does not have"
            raise mnist_family.fault(file.where("sources", key), key, expected, "rename it")
    return read_sources({**shared, **own})


def _licence(file: FactsFile, sources: Mapping[str, Source]) -> Licence:
    key = "licence" if "licence" in file.values else "license"
    found = file.values.get(key, UNKNOWN_LICENCE)
    if found == UNKNOWN_LICENCE:
        return NO_LICENCE
    mapping = {"id": found} if isinstance(found, str) else found
    known = find_licence(mapping.get("id", mapping.get("spdx", "")))
    statements = read_answer(file, (key, "statements"), mapping.get("statements", ()), sources)
    return Licence(
        name=mapping.get("name", known.name if known else NO_LICENCE.name),
        id=known.id if known else None,
        statements=statements,
        spdx=mapping.get("spdx", known.spdx if known else None),
        url=mapping.get("url", known.url if known and isinstance(found, str) else None),
        attribution=mapping.get("attribution"),
        notice=mapping.get("notice"),
    )


def _author(found: str | Yaml) -> Author:
    if isinstance(found, str):
        return Author(found)
    orcid = found.get("orcid")
    return Author(**{**found, "orcid": orcid and orcid.removeprefix(ORCID_URL)})


def _paper(found: str | Yaml | None) -> Paper | None:
    if found is None:
        return None
    if isinstance(found, str):
        return Paper(found, found if URL_START.match(found) else None)
    return Paper(**found)


def _published_counts(file: FactsFile, sources: Mapping[str, Source]) -> PublishedCounts | None:
    found = file.values.get("published_counts")
    if found is None:
        return None
    (source,) = name_sources(file.where("published_counts"), [found["source"]], sources)
    return PublishedCounts(
        source, {split: PublishedSplit(**size) for split, size in found["splits"].items()}
    )
