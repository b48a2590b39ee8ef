"""A dataset as a card describes it: facts, measurements, and what a build wrote."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from typing import Any, Literal, NamedTuple

import mnist_family
from mnist_family import FamilyConfig
from mnist_tools.cards.facts import DatasetFacts, dataset_facts
from mnist_tools.cards.figures import fill
from mnist_tools.cards.measurements import Measurements, SplitFigures
from mnist_tools.cards.neighbours import Knn
from mnist_tools.cards.pictures import Pictures
from mnist_tools.shards import SplitSize

Kind = Literal["published", "synthetic", "own"]


class SplitCounts(NamedTuple):
    """The rows of a split, and of each class in label order."""

    rows: int
    of_each_class: Sequence[int]


class ArchiveFacts(NamedTuple):
    """An archive as a card lists it; the last two are None where it has not been measured."""

    file: str
    bytes: int
    sha256: str
    uncompressed_bytes: int | None = None
    dated: str | None = None


@dataclass(frozen=True)
class Dataset:
    """A dataset that a card describes.

    `kind` is "published" for the archives of `config`, else "synthetic" or "own" for others in
    their form. `sizes` has an entry for each split that a build wrote, and is None for a card
    without a build.
    """

    kind: Kind
    config: FamilyConfig
    title: str
    class_names: tuple[str, ...]
    facts: DatasetFacts
    measurements: Measurements | None = None
    sizes: Mapping[str, SplitSize] | None = None
    pictures: Pictures = field(default_factory=Pictures)

    @property
    def name(self) -> str:
        """The config's name."""
        return str(self.config.name)

    @property
    def homepage(self) -> str | None:
        """Where the publisher describes it."""
        return self.config.homepage if self.kind == "published" else None

    @property
    def licence_id(self) -> str:
        """The Hub's id of the licence."""
        return self.facts.licence.id or self.config.license

    @property
    def citations(self) -> tuple[str, ...]:
        """BibTeX entries."""
        if self.kind != "published":
            return self.facts.citations
        return (self.config.citation.strip(), *self.facts.citations)

    @property
    def measured_splits(self) -> Mapping[str, SplitFigures]:
        """The figures of each split; none where nothing was measured."""
        return self.measurements.splits if self.measurements else {}

    @cached_property
    def counts(self) -> dict[str, SplitCounts]:
        """The rows of each split: measured, or else as the publisher counts them."""
        if self.measurements is not None:
            return {
                split: SplitCounts(figures.rows, figures.class_counts)
                for split, figures in self.measurements.splits.items()
            }
        published = self.facts.published_counts
        if published is None:
            found, expected = "no published_counts", "them, or measurements beside the file"
            raise mnist_family.fault(str(self.facts.path), found, expected, "add one of them")
        classes = len(self.class_names)
        return {
            split: SplitCounts(size.rows, (size.rows_of_each_class,) * classes)
            for split, size in published.splits.items()
        }

    @cached_property
    def archives(self) -> dict[str, list[ArchiveFacts]]:
        """The archives of images and of labels of each split."""
        if self.measurements is not None:
            return {
                split: [
                    ArchiveFacts(
                        each.file, each.bytes, each.sha256, each.uncompressed_bytes, each.dated
                    )
                    for each in pair
                ]
                for split, pair in self.measurements.archives.items()
            }
        return {
            split: [ArchiveFacts(each.file, each.bytes, each.sha256) for each in pair]
            for split, pair in self.config.archives.items()
        }

    @cached_property
    def figures(self) -> dict[str, Any]:
        """What the text of its facts may refer to, by name."""
        figures: dict[str, Any] = {"title": self.title, "of": self.config.title}
        if self.measurements is None:
            return figures
        figures.update(self.measurements.whole or self.measurements.splits)
        if self.measurements.neighbours is not None:
            figures["cosine"] = self.measurements.neighbours.cosine
            figures["knn"] = [
                _with_class_names(knn, self.class_names) for knn in self.measurements.neighbours.knn
            ]
        return figures


def _with_class_names(knn: Knn, class_names: Sequence[str]) -> dict[str, Any]:
    """Describe the results of a classifier for people, who know classes by name."""
    confusions = [
        {
            "label": class_names[each.label],
            "taken_for": class_names[each.taken_for],
            "rows": each.rows,
        }
        for each in knn.confusions
    ]
    accuracies = [
        {"accuracy_percent": percent, "name": name}
        for percent, name in zip(knn.class_accuracy_percent, class_names, strict=True)
        if percent is not None
    ]
    return {
        "k": knn.k,
        "accuracy_percent": knn.accuracy_percent,
        "errors": knn.errors,
        "confusions": confusions,
        "worst_class": min(accuracies, key=itemgetter("accuracy_percent"), default=None),
    }


def published(
    config: FamilyConfig,
    measurements: Measurements | None = None,
    *,
    sizes: Mapping[str, SplitSize] | None = None,
) -> Dataset:
    """Describe the published archives of a config."""
    facts = dataset_facts(config.name)
    return Dataset(
        "published", config, config.title, config.class_names, facts, measurements, sizes
    )


def unpublished(
    config: FamilyConfig,
    kind: Literal["synthetic", "own"],
    class_names: Sequence[str],
    measurements: Measurements,
    *,
    sizes: Mapping[str, SplitSize] | None = None,
) -> Dataset:
    """Describe other archives in the form of a config's."""
    facts = dataset_facts(kind)
    place = f"{facts.path}: title"
    if facts.title is None:
        raise mnist_family.fault(place, "none", "a text", "write one")
    title = fill(facts.title, {"of": config.title}, place=place)
    return Dataset(kind, config, title, tuple(class_names), facts, measurements, sizes)
