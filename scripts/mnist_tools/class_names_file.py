"""Write the class names of a dataset to a table that databases can join with its rows."""

import csv
from collections.abc import Sequence
from pathlib import Path


def class_names_path(config: str) -> str:
    """Return the path of a config's table in a built folder."""
    return f"class_names/{config}.csv"


def write_class_names(folder: Path, config: str, names: Sequence[str]) -> None:
    """Write a CSV file with the columns label, an integer, and class_name."""
    path = folder / class_names_path(config)
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["label", "class_name"])
        writer.writerows(enumerate(names))
