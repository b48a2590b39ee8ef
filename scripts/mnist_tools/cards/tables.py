"""Format the tables and lists of a card as Markdown."""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import mnist_family
from mnist_tools.cards.dataset import Dataset
from mnist_tools.cards.escape import (
    Markdown,
    code_span,
    escape_prose,
    escape_text,
    escape_words,
    image,
    link,
)
from mnist_tools.cards.facts import Author, FamilyFacts
from mnist_tools.cards.figures import show_size
from mnist_tools.cards.markdown_table import Cell, cut, table
from mnist_tools.cards.measurements import SplitFigures
from mnist_tools.cards.statements import FactsTable, Source

SIDES_SHOWN = 4

PIXEL_ROWS: dict[str, Callable[[SplitFigures], Cell]] = {
    "shape": lambda split: " × ".join(map(str, split.shape)),
    "lowest value": lambda split: split.min,
    "highest value": lambda split: split.max,
    "mean, on a scale from zero to one": lambda split: split.mean,
    "standard deviation, on the same scale": lambda split: split.standard_deviation,
    "zero pixels, in percent": lambda split: split.zero_percent,
    "pixels that are the same in all images": lambda split: split.constant_pixels,
    "images with a bright border": lambda split: split.bright_borders,
    "longer side of the bounding box": lambda split: longer_sides(split),
}


# --- What the datasets are ------------------------------------------------------------------------


def splits(datasets: Sequence[Dataset]) -> Markdown:
    """Return the rows of each split, its size as a download if known, and that of its pixels."""
    rows = [row for dataset in datasets for row in _split_rows(dataset)]
    columns = _filled_columns(rows)
    if len(datasets) == 1:
        columns.remove("config")
    return table(columns, [[row[name] for name in columns] for row in rows])


def _filled_columns(rows: Sequence[Mapping[str, Cell]]) -> list[str]:
    """Return the names of the columns that have a value in any row."""
    return [name for name in rows[0] if any(row[name] is not None for row in rows)]


def _split_rows(dataset: Dataset) -> Iterator[dict[str, Cell]]:
    for split, counts in dataset.counts.items():
        yield {
            "config": code_span(dataset.name),
            "split": code_span(split),
            "rows": counts.rows,
            "download": _download_size(dataset, split),
            "in memory": show_size(counts.rows * math.prod(mnist_family.IMAGE_SHAPE)),
        }


def _download_size(dataset: Dataset, split: str) -> str | None:
    """Return the size of a split's Parquet files or else its archives; None without any."""
    if dataset.sizes is not None:
        return show_size(dataset.sizes[split].parquet_bytes)
    archives = dataset.archives.get(split)
    return show_size(sum(archive.bytes for archive in archives)) if archives else None


def authors(dataset: Dataset) -> str:
    """List the authors; after the last of each affiliation, name it."""
    groups = itertools.groupby(dataset.facts.authors, key=lambda author: author.affiliation)
    return "; ".join(_group(affiliation, [*members]) for affiliation, members in groups)


def _group(affiliation: str | None, members: Sequence[Author]) -> str:
    names = ", ".join(author.name for author in members)
    return f"{names} ({affiliation})" if affiliation else names


def unknowns(dataset: Dataset) -> Markdown:
    """Return a paragraph on what was looked for and not found, or nothing."""
    statements = itertools.chain(*dataset.facts.topics.values(), dataset.facts.licence.statements)
    unknown = [each for each in statements if each.kind == "unknown"]
    if not unknown:
        return Markdown("")
    found = "; ".join(dict.fromkeys(each.text.strip().rstrip(".") for each in unknown))
    places = "; ".join(dict.fromkeys(each.looked or "" for each in unknown))
    return Markdown(escape_prose(f"{found}. We looked in {places}."))


def release_notes(dataset: Dataset, family: FamilyFacts) -> str:
    """Return what is new in the version of a published dataset; ValueError if nobody says."""
    if dataset.version is None or dataset.version not in family.versions:
        expected = f"the version of {dataset.name} in mnist_family.py"
        place, remedy = "cards/facts.yaml: versions", "say what is new in it"
        raise mnist_family.fault(place, f"no {dataset.version}", expected, remedy)
    return family.versions[dataset.version]


# --- Rows and classes -----------------------------------------------------------------------------


def class_counts(dataset: Dataset) -> Markdown:
    """Return the number of rows of each class in each split."""
    splits = dataset.counts
    rows: list[list[Cell]] = [
        [label, name, *(each.of_each_class[label] for each in splits.values())]
        for label, name in enumerate(dataset.class_names)
    ]
    unlabelled = [figures.unlabelled for figures in dataset.measured_splits.values()]
    if any(unlabelled):
        rows.append(["−1", "no label", *unlabelled])
    return table(["label", "class name", *splits], rows)


def class_list(dataset: Dataset) -> Markdown:
    """Return the same as a paragraph, for the card of several datasets."""
    counts = [each.of_each_class for each in dataset.counts.values()]
    splits = " + ".join(dataset.counts)
    if all(len({*each}) == 1 for each in counts):
        rows = _add(each[0] for each in counts)
        return escape_text(f"{', '.join(dataset.class_names)}; {rows} rows each ({splits}).")
    classes = zip(dataset.class_names, zip(*counts, strict=True), strict=True)
    return escape_text(f"{', '.join(f'{name}: {_add(n)}' for name, n in classes)} rows ({splits}).")


def _add(counts: Iterable[int]) -> str:
    return " + ".join(f"{count:,}" for count in counts)


def first_rows(dataset: Dataset, root: str) -> Markdown:
    """Return the rows for which a build drew pictures, in files whose paths begin with `root`."""
    rows: list[list[Cell]] = []
    for picture in dataset.pictures.rows:
        label = dataset.measured_splits[picture.split].first_labels[picture.row]
        name = dataset.class_names[label] if label >= 0 else "no label"
        rows.append([picture.split, picture.row, image(name, root + picture.file), label, name])
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
    """Return the archives of each split with their sizes, and what else is known about them."""
    rows: list[dict[str, Cell]] = [
        {
            "archive": each.file,
            "bytes": each.bytes,
            "bytes decompressed": each.uncompressed_bytes,
            "date": each.dated,
        }
        for each in itertools.chain(*dataset.archives.values())
    ]
    columns = _filled_columns(rows)
    return table(columns, [[row[name] for name in columns] for row in rows])


def checksums(dataset: Dataset) -> str:
    """Return the lines that `sha256sum -c` takes in a folder with the archives."""
    pairs = itertools.chain(*dataset.archives.values())
    return "\n".join(f"{each.sha256}  {each.file}" for each in pairs)


def files(dataset: Dataset) -> Markdown:
    """Return the exact sizes of the splits that a build wrote."""
    rows: list[list[Cell]] = [
        [split, size.parquet_bytes, size.num_bytes] for split, size in (dataset.sizes or {}).items()
    ]
    columns = ["split", "Parquet bytes (download_size)", "Arrow bytes (dataset_size)"]
    return table(columns, rows)


def pixels(dataset: Dataset) -> Markdown:
    """Return the pixel statistics of each split."""
    splits = dataset.measured_splits
    rows: list[list[Cell]] = [
        [name, *(value(each) for each in splits.values())] for name, value in PIXEL_ROWS.items()
    ]
    measured = [row for row in rows if any(cell is not None for cell in row[1:])]
    return table(["", *splits], measured)


def longer_sides(split: SplitFigures) -> str:
    """Count images by the longer side of their bounding box, most frequent first."""
    sides = sorted(split.longer_side, key=lambda side: -side.rows)
    shown = [f"{side.pixels} px ({side.rows:,})" for side in sides[:SIDES_SHOWN]]
    others = sum(side.rows for side in sides[SIDES_SHOWN:])
    if others:
        shown.append(f"others ({others:,})")
    return ", ".join(shown)


# --- Facts and sources ----------------------------------------------------------------------------


def of_facts(facts: FactsTable) -> Markdown:
    """Return a published table, with cells as they are: numbers get no commas."""
    return table(facts.columns, [[str(cell) for cell in row] for row in facts.rows])


def sources(used: Iterable[Source], *, read: bool) -> Markdown:
    """Return a list of the sources of a card; with `read`, say which parts of them were read."""
    return Markdown("\n".join(f"- {_source(source, read=read)}" for source in used))


def _source(source: Source, *, read: bool) -> str:
    name = link(source.name, source.url) if source.url else escape_text(source.name)
    return f"{name} ({escape_words(source.read)})" if read and source.read else name
