"""A dataset as a card describes it: its facts, measurements and the files of a build."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from typing import Any, Literal, NamedTuple

import mnist_family
from mnist_family import FamilyConfig
from mnist_tools.background import Borders
from mnist_tools.cards.facts import NO_LICENCE, DatasetFacts, dataset_facts
from mnist_tools.cards.figures import fill
from mnist_tools.cards.measurements import Measurements, SplitFigures
from mnist_tools.cards.neighbours import Knn
from mnist_tools.cards.pictures import Pictures
from mnist_tools.cards.statements import Statement
from mnist_tools.licences import OTHER_LICENCE, UNKNOWN_LICENCE
from mnist_tools.shards.size import SplitSize
from mnist_tools.source_files import SourceFile

Kind = Literal["published", "synthetic", "own"]


class SplitCounts(NamedTuple):
    """The number of rows in a split, and in each of its classes, in label order."""

    rows: int
    of_each_class: Sequence[int]


class ArchiveFacts(NamedTuple):
    """An archive as a card lists it; the last two fields are None if it has not been measured."""

    file: str
    bytes: int
    sha256: str
    uncompressed_bytes: int | None = None
    dated: str | None = None


@dataclass(frozen=True)
class Dataset:
    """A dataset that a card describes.

    `kind` is "published" for the archives of `config`, "synthetic" for a sample, and "own" for
    any others. `name` is that of the config on the card. `sizes` has an entry for each split that a
    build wrote, or is None if the card does not belong to a build. Only published datasets have a
    `config`. `source_files` are what the rows were read from, if that was not archives, and
    `adjustments` are sentences on how reading them changed the images.
    """

    kind: Kind
    name: str
    title: str
    class_names: tuple[str, ...]
    facts: DatasetFacts
    measurements: Measurements | None = None
    sizes: Mapping[str, SplitSize] | None = None
    pictures: Pictures = field(default_factory=Pictures)
    config: FamilyConfig | None = None
    source_files: tuple[SourceFile, ...] = ()
    adjustments: tuple[str, ...] = ()

    @property
    def homepage(self) -> str | None:
        """Return the URL of the publisher's description, or None."""
        return self.config.homepage if self.config else self.facts.homepage

    @property
    def version(self) -> str | None:
        """Return the version of a published dataset's config, or the one that facts give."""
        return str(self.config.version) if self.config else self.facts.version

    @property
    def mirrors(self) -> tuple[str, ...]:
        """Return the base URLs of a published dataset's archives."""
        return self.config.mirrors if self.config else ()

    @property
    def licence_id(self) -> str:
        """Return the Hub's id of the licence."""
        if self.config is not None:
            return str(self.config.license)
        if self.facts.licence.id is not None:
            return self.facts.licence.id
        return UNKNOWN_LICENCE if self.facts.licence == NO_LICENCE else OTHER_LICENCE

    @property
    def citations(self) -> tuple[str, ...]:
        """Return BibTeX entries."""
        if self.config is None:
            return self.facts.citations
        return (self.config.citation.strip(), *self.facts.citations)

    @property
    def measured_splits(self) -> Mapping[str, SplitFigures]:
        """Return the figures of each split; empty if nothing was measured."""
        return self.measurements.splits if self.measurements else {}

    @property
    def lacks_labels(self) -> bool:
        """Check whether any of the measured rows has no label."""
        return any(figures.unlabelled for figures in self.measured_splits.values())

    @property
    def has_neighbours(self) -> bool:
        """Check whether test images were compared with training images."""
        return self.measurements is not None and self.measurements.neighbours is not None

    @property
    def borders(self) -> Borders | None:
        """Return how many images have a bright border; None if that was not measured."""
        bright = [each.bright_borders for each in self.measured_splits.values()]
        counted = [each for each in bright if each is not None]
        if not counted or len(counted) < len(bright):
            return None
        return Borders(sum(counted), sum(each.rows for each in self.measured_splits.values()))

    @cached_property
    def counts(self) -> dict[str, SplitCounts]:
        """Return the rows of each split, as measured or else as published."""
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
        """Return the archives of each split: images, then labels; none for other source files."""
        if self.source_files:
            return {split: [] for split in self.counts}
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
            for split, pair in (self.config.archives if self.config else {}).items()
        }

    @cached_property
    def figures(self) -> dict[str, Any]:
        """Return the figures that measured statements may refer to, by name."""
        figures: dict[str, Any] = {"title": self.title}
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
    """Return the results of a classifier, with class names instead of labels."""
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


def words_of(
    statement: Statement, figures: Mapping[str, Any], *, escape: Callable[[str], str] = str
) -> str:
    """Return the text of a statement as one line; measured ones have their figures filled in.

    ValueError names the place of a figure that does not exist.
    """
    if statement.kind == "measured":
        return fill(statement.text, figures, place=statement.place, escape=escape)
    return escape(" ".join(statement.text.split()))


def published(
    config: FamilyConfig,
    measurements: Measurements | None = None,
    *,
    sizes: Mapping[str, SplitSize] | None = None,
) -> Dataset:
    """Describe the published archives of a config."""
    return Dataset(
        kind="published",
        name=config.name,
        title=config.title,
        class_names=config.class_names,
        facts=dataset_facts(config.name),
        measurements=measurements,
        sizes=sizes,
        config=config,
    )


def own(
    name: str,
    facts: DatasetFacts,
    class_names: Sequence[str],
    measurements: Measurements,
    *,
    sizes: Mapping[str, SplitSize] | None = None,
) -> Dataset:
    """Describe somebody's own dataset.

    `name` is that of its config, which readers pass to `load_dataset`. `facts` are those of
    `read_facts(path)`, or of `no_facts(title)` without a facts.yaml. `measurements` are of the
    archives with the rows, and `sizes` of the Parquet files, by split. The title is the one in
    `facts`, or else `name`.
    """
    return Dataset(
        kind="own",
        name=name,
        title=facts.title or name,
        class_names=tuple(class_names),
        facts=facts,
        measurements=measurements,
        sizes=sizes,
    )


def unpublished(
    config: FamilyConfig,
    kind: Literal["synthetic", "own"],
    class_names: Sequence[str],
    measurements: Measurements,
    *,
    sizes: Mapping[str, SplitSize] | None = None,
) -> Dataset:
    """Describe a sample of a config, or other archives that are built under its name."""
    facts = dataset_facts(kind)
    title = fill(facts.title or "", {"of": config.title}, place=f"{facts.path}: title")
    return Dataset(kind, config.name, title, tuple(class_names), facts, measurements, sizes)
