"""Format the tables of a card, and the figures in its sentences, as Markdown."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import mnist_family
from mnist_tools.cards.dataset import ArchiveFacts, Dataset
from mnist_tools.cards.escape import Markdown, code_span, image, link
from mnist_tools.cards.facts import FamilyFacts
from mnist_tools.cards.figures import show_spread
from mnist_tools.cards.markdown_table import Cell, cut, table
from mnist_tools.cards.measurements import SplitFigures
from mnist_tools.cards.neighbours import Neighbours
from mnist_tools.cards.statements import FactsTable, Source

PIXEL_ROWS: dict[str, Callable[[SplitFigures], Cell]] = {
    "shape": lambda split: " × ".join(map(str, split.shape)),
    "lowest value": lambda split: split.min,
    "highest value": lambda split: split.max,
    "mean, of pixels scaled to the unit interval": lambda split: split.mean,
    "standard deviation": lambda split: split.standard_deviation,
    "zero pixels, percent": lambda split: split.zero_percent,
    "constant pixels": lambda split: split.constant_pixels,
    "longer side of the bounding box": lambda split: longer_sides(split),
}


# --- Datasets side by side ------------------------------------------------------------------------


def glance(datasets: Sequence[Dataset]) -> Markdown:
    """Return the table that compares datasets."""
    columns = [dict(_glance(dataset)) for dataset in datasets]
    names = max(columns, key=len)
    rows = [[name, *(column.get(name, "not measured") for column in columns)] for name in names]
    return table(["", *(dataset.title for dataset in datasets)], rows)


def _glance(dataset: Dataset) -> Iterator[tuple[str, Cell]]:
    """Yield (name, value) pairs; figures are included only if they were measured."""
    counted_by = "" if dataset.measurements else " (as published)"
    rows = [f"{counts.rows:,} {split}" for split, counts in dataset.counts.items()]
    spreads = [
        f"{show_spread(counts.of_each_class)} in {split}"
        for split, counts in dataset.counts.items()
    ]
    yield "config", code_span(dataset.name)
    yield "licence", dataset.facts.licence.name
    yield "classes", len(dataset.class_names)
    yield "rows", f"{cut(rows)}{counted_by}"
    yield "rows of a class", f"{cut(spreads)}{counted_by}"
    yield "archives, bytes", sum(_total_bytes(pair) for pair in dataset.archives.values())
    yield from _measured_glance(dataset)


def _measured_glance(dataset: Dataset) -> Iterator[tuple[str, Cell]]:
    for split, figures in list(dataset.measured_splits.items())[:1]:
        deviation = figures.standard_deviation
        yield (
            "pixels, scaled to the unit interval",
            f"mean {figures.mean}, standard deviation {deviation} in {split}",
        )
    if dataset.measurements is None or dataset.measurements.neighbours is None:
        return
    for knn in dataset.measurements.neighbours.knn:
        yield f"accuracy of {knn.k}-NN, distance-weighted", f"{knn.accuracy_percent} %"


def versions(datasets: Sequence[Dataset], family: FamilyFacts) -> Markdown:
    """Return the versions of published datasets with their release notes.

    ValueError if a version has no release notes.
    """
    rows = []
    for dataset in datasets:
        version = dataset.version
        if dataset.kind != "published" or version is None:
            continue
        if version not in family.versions:
            expected = f"the version of {dataset.name} in mnist_family.py"
            place, remedy = "cards/facts.yaml: versions", "say what is new in it"
            raise mnist_family.fault(place, f"no {version}", expected, remedy)
        rows.append([dataset.name, version, family.versions[version]])
    return table(["config", "version", "release notes"], rows)


# --- Rows and classes -----------------------------------------------------------------------------


def class_counts(dataset: Dataset) -> Markdown:
    """Return the number of rows of each class in each split."""
    splits = dataset.counts
    rows: list[list[Cell]] = []
    for label, name in enumerate(dataset.class_names):
        counts = [each.of_each_class[label] for each in splits.values()]
        rows.append([label, name, *counts, sum(counts)])
    unlabelled = [figures.unlabelled for figures in dataset.measured_splits.values()]
    if any(unlabelled):
        rows.append(["−1", "no label", *unlabelled, sum(unlabelled)])
    return table(["label", "class name", *splits, "all"], rows)


def splits(datasets: Sequence[Dataset]) -> Markdown:
    """Return the rows and bytes of each split, and each dataset's totals."""
    columns = ["config", "split", "rows", "archives, bytes"]
    if datasets[0].sizes is not None:
        columns += ["Parquet, bytes", "Arrow, bytes"]
    return table(columns, [row for dataset in datasets for row in _split_rows(dataset)])


def _split_rows(dataset: Dataset) -> Iterator[list[Cell]]:
    name = code_span(dataset.name)
    lines = []
    for split, counts in dataset.counts.items():
        line = [counts.rows, _total_bytes(dataset.archives[split])]
        if dataset.sizes is not None:
            line += [dataset.sizes[split].parquet_bytes, dataset.sizes[split].num_bytes]
        lines.append(line)
        yield [name, code_span(split), *line]
    yield [name, "all", *map(sum, zip(*lines, strict=True))]


def _total_bytes(archives: Iterable[ArchiveFacts]) -> int:
    return sum(archive.bytes for archive in archives)


def first_rows(dataset: Dataset) -> Markdown:
    """Return the rows for which a build drew pictures."""
    rows: list[list[Cell]] = []
    for picture in dataset.pictures.rows:
        label = dataset.measured_splits[picture.split].first_labels[picture.row]
        name = dataset.class_names[label] if label >= 0 else "no label"
        rows.append([picture.split, picture.row, image(name, picture.file), label, name])
    return table(["split", "row", "image", "label", "class name"], rows)


def first_labels(dataset: Dataset) -> str:
    """Return the first labels of each split."""
    splits = dataset.measured_splits.items()
    labels = [f"{' '.join(map(str, each.first_labels))} in {split}" for split, each in splits]
    return cut(labels, "; ")


# --- Archives and pixels --------------------------------------------------------------------------


def source_files(dataset: Dataset) -> Markdown:
    """Return the files that rows were read from, with their digests; folders are summed up."""
    rows: list[list[Cell]] = [
        [code_span(file.path), file.files, file.bytes, code_span(file.sha256)]
        for file in dataset.source_files
    ]
    return table(["path", "files", "bytes", "sha256"], rows)


def archives(dataset: Dataset) -> Markdown:
    """Return the archives of each split with their digests."""
    measured = dataset.measurements is not None
    columns = ["split", "archive", "bytes", "sha256"]
    if measured:
        columns = ["split", "archive", "bytes", "decompressed", "dated", "sha256"]
    rows: list[list[Cell]] = []
    for split, pair in dataset.archives.items():
        for each in pair:
            details: list[Cell] = [each.uncompressed_bytes, each.dated] if measured else []
            rows.append([split, each.file, each.bytes, *details, each.sha256])
    return table(columns, rows)


def pixels(dataset: Dataset) -> Markdown:
    """Return the pixel statistics of each split."""
    splits = dataset.measured_splits
    rows: list[list[Cell]] = [
        [name, *(value(each) for each in splits.values())] for name, value in PIXEL_ROWS.items()
    ]
    return table(["", *splits], rows)


def longer_sides(split: SplitFigures) -> str:
    """Count images by the longer side of their bounding box, most frequent first."""
    sides = sorted(split.longer_side, key=lambda side: -side.rows)
    return cut([f"{side.pixels} px ({side.rows:,})" for side in sides])


# --- Duplicates and neighbours --------------------------------------------------------------------


def groups_within(groups: Sequence[Sequence[int]]) -> str:
    """Return groups of equal rows within a split."""
    return cut([cut(rows) for rows in groups], "; ")


def groups_across(groups: Sequence[Mapping[str, Sequence[int]]]) -> str:
    """Return groups of equal rows that span several splits."""
    return cut(
        [
            cut([f"{split} {row}" for split, rows in group.items() for row in rows])
            for group in groups
        ],
        "; ",
    )


def cosines(dataset: Dataset) -> Markdown:
    """Count test images by their cosine to the most similar training image."""
    rows = [[each.at_least, each.rows, each.other_label] for each in _neighbours(dataset).cosine]
    return table(["cosine, at least", "test rows", "of these, nearest has another label"], rows)


def closest(dataset: Dataset) -> str:
    """Return the closest pairs of a test row and a training row."""
    return cut([f"{test} and {train}" for test, train in _neighbours(dataset).closest])


def accuracies(dataset: Dataset) -> Markdown:
    """Return the accuracy and the errors of each classifier."""
    rows: list[list[Cell]] = [
        [f"{knn.k}-NN", f"{knn.accuracy_percent} %", knn.errors.first_half, knn.errors.second_half]
        for knn in _neighbours(dataset).knn
    ]
    halves = ["errors in the first half of test", "errors in the second half"]
    return table(["", "accuracy", *halves], rows)


def class_accuracies(dataset: Dataset) -> Markdown:
    """Return the accuracy of each classifier in each class."""
    knns = _neighbours(dataset).knn
    rows: list[list[Cell]] = [
        [name, *(_percent(knn.class_accuracy_percent[label]) for knn in knns)]
        for label, name in enumerate(dataset.class_names)
    ]
    return table(["class name", *(f"{knn.k}-NN" for knn in knns)], rows)


def _percent(value: float | None) -> Cell:
    return None if value is None else f"{value} %"


def confusions(dataset: Dataset) -> Markdown:
    """Return the most frequent errors of each classifier."""
    names = dataset.class_names
    rows: list[list[Cell]] = [
        [f"{knn.k}-NN", names[each.label], names[each.taken_for], each.rows]
        for knn in _neighbours(dataset).knn
        for each in knn.confusions
    ]
    return table(["", "class name", "taken for", "test rows"], rows)


def _neighbours(dataset: Dataset) -> Neighbours:
    if dataset.measurements is None or dataset.measurements.neighbours is None:
        raise mnist_family.fault(dataset.title, "no neighbours", "measured ones", "measure them")
    return dataset.measurements.neighbours


# --- Facts and sources ----------------------------------------------------------------------------


def of_facts(facts: FactsTable) -> Markdown:
    """Return a published table, with cells as they are: numbers get no commas."""
    return table(facts.columns, [[str(cell) for cell in row] for row in facts.rows])


def sources(used: Iterable[Source]) -> Markdown:
    """Return the sources of a card."""
    rows: list[list[Cell]] = [
        [source.short, link(source.name, source.url) if source.url else source.name, source.read]
        for source in used
    ]
    return table(["source", "what it is", "what was read"], rows)
