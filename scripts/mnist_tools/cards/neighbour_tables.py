"""Format what was measured about equal and similar images, as tables and lists in Markdown."""

from collections.abc import Mapping, Sequence

from mnist_tools.cards.dataset import Dataset
from mnist_tools.cards.escape import Markdown
from mnist_tools.cards.markdown_table import Cell, cut, table
from mnist_tools.cards.measurements import Duplicates
from mnist_tools.cards.neighbours import Neighbours


def has_duplicates(duplicates: Duplicates) -> bool:
    """Check whether any two images are equal."""
    listed = bool(duplicates.across) or any(duplicates.within.values())
    return listed or duplicates.counts is not None


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
    return table(["cosine at least", "test rows", "of these, with another label"], rows)


def cosine_list(dataset: Dataset) -> str:
    """Return the same as a list in a sentence."""
    counts = [f"{each.at_least} or more: {each.rows:,}" for each in _neighbours(dataset).cosine]
    return cut(counts, "; ")


def closest(dataset: Dataset) -> str:
    """Return the closest pairs of a test row and a training row."""
    pairs = _neighbours(dataset).closest
    return cut([f"{pair.test} and {pair.train} ({pair.cosine})" for pair in pairs])


def accuracies(dataset: Dataset, *, halves: bool) -> Markdown:
    """Return the accuracy of each classifier; with `halves`, its errors in each half of test."""
    columns = ["", "weighted votes", "equal votes"]
    if halves:
        columns += ["errors in the first half (weighted)", "in the second half (weighted)"]
    rows: list[list[Cell]] = []
    for knn in _neighbours(dataset).knn:
        row: list[Cell] = [
            f"{knn.k}-NN",
            f"{knn.accuracy_percent} %",
            f"{knn.uniform_accuracy_percent} %",
        ]
        errors = [knn.errors.first_half, knn.errors.second_half] if halves else []
        rows.append([*row, *errors])
    return table(columns, rows)


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
    return table(["", "class name", "mistaken for", "test rows"], rows)


def _neighbours(dataset: Dataset) -> Neighbours:
    """Return the neighbours; templates call this only for a dataset that has them."""
    assert dataset.measurements is not None
    assert dataset.measurements.neighbours is not None
    return dataset.measurements.neighbours
