"""Convert labels of any type to int64, with -1 for no label; texts become class names."""

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow

from mnist_family import MAX_CLASSES, ClassNames, check_class_names, fault

LABEL_VALUES = "whole numbers, or text that names the class"
NUMBER_THEM = "number the classes from 0"


def is_text(kind: pyarrow.DataType) -> bool:
    """Check whether a column has class names rather than numbers."""
    kind = _value_type(kind)
    return bool(pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind))


def refuse_label_type(kind: pyarrow.DataType, place: str) -> None:
    """Raise ValueError for a column of labels that are neither whole numbers nor text."""
    if not is_text(kind) and not pyarrow.types.is_integer(_value_type(kind)):
        raise fault(place, f"labels of the type {kind!s:.60}", LABEL_VALUES, NUMBER_THEM)


def arrow_labels(column: pyarrow.Array, class_names: Sequence[str], place: str) -> np.ndarray:
    """Return a column's labels as int64 (n,): -1 for null, the index in `class_names` for text."""
    values = column.cast(_value_type(column.type))
    if is_text(values.type):
        return text_labels(values.to_pylist(), class_names, place)
    try:
        labels = values.cast(pyarrow.int64())
    except pyarrow.ArrowInvalid:
        raise _too_wide(place) from None
    if labels.null_count:
        labels = labels.fill_null(-1)
    return np.asarray(labels.to_numpy(zero_copy_only=False))


def numpy_labels(values: np.ndarray, class_names: Sequence[str], place: str) -> np.ndarray:
    """Return an array's labels as int64 (n,), with the index in `class_names` for text."""
    if values.dtype.kind == "U":
        return text_labels(values.tolist(), class_names, place)
    if values.size and int(values.max()) > np.iinfo(np.int64).max:
        raise _too_wide(place)
    return values.astype(np.int64)


def text_labels(values: Sequence[str | None], class_names: Sequence[str], place: str) -> np.ndarray:
    """Return the index of each class name as int64 (n,), with -1 for None."""
    numbers: dict[str | None, int] = {name: label for label, name in enumerate(class_names)}
    numbers[None] = -1
    for value in values:
        if value not in numbers:
            expected = f"one of the {len(class_names)} class names"
            raise fault(place, f"the label {value!a:.80}", expected, "name it with --class-names")
    return np.array([numbers[value] for value in values], np.int64)


def refuse_other_labels(
    labels: np.ndarray, classes: int, subject: str, *, first_row: int, named: str
) -> None:
    """Raise ValueError for a label outside -1 to `classes` - 1.

    `first_row` is the number of the first row; `named` says where the user names the classes.
    """
    wrong = (labels < -1) | (labels >= classes)
    if not wrong.any():
        return
    at = int(wrong.argmax())
    label, remedy = int(labels[at]), "correct the label"
    if classes <= label < MAX_CLASSES:
        remedy = f"name {label + 1} classes or more {named}"
    expected = f"-1 to {classes - 1}"
    raise fault(subject, f"label {label} in row {first_row + at}", expected, remedy)


def refuse_mixed_labels(are_text: Sequence[bool], place: str) -> None:
    """Raise ValueError if some label columns or arrays are text and others are numbers."""
    if len(set(are_text)) > 1:
        remedy = "convert one at a time"
        raise fault(place, "text here and numbers there", "labels of one kind", remedy)


def sorted_class_names(values: Iterable[str], place: str) -> ClassNames:
    """Make class names from text labels, in alphabetical order."""
    return check_class_names(sorted(values), place, source="the labels, sorted")


def _value_type(kind: pyarrow.DataType) -> pyarrow.DataType:
    return kind.value_type if pyarrow.types.is_dictionary(kind) else kind


def _too_wide(place: str) -> ValueError:
    return fault(place, "a label that does not fit 64 bits", "0 to 255", NUMBER_THEM)
