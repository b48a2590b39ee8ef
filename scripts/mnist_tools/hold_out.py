"""Hold rows of a split out as another split: at random, but the same share of every class."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mnist_family import fault

MAX_SEED = 2**32 - 1  # of RandomState


class HoldOut(NamedTuple):
    """A split to make, and the share of the rows of every class that it gets."""

    split: str
    share: float


def assign_rows(labels: np.ndarray, hold_outs: Sequence[HoldOut], seed: int) -> np.ndarray:
    """Return for each row the number of the hold-out that gets it, or -1 if the row stays.

    Rows are drawn class by class with NumPy's RandomState, whose sequences never change; a class
    gives its share rounded to whole rows. `labels` may have -1 for rows without a label, which are
    drawn like a class. ValueError if the shares leave nothing, a hold-out gets no row, or the seed
    is not from 0 to 2³² - 1.
    """
    total = sum(each.share for each in hold_outs)
    if not 0 < total < 1 or any(each.share <= 0 for each in hold_outs):
        expected = "shares above 0 that add up to less than 1"
        raise fault(_option(hold_outs), f"{total:g} of the rows", expected, "correct them")
    if not 0 <= seed <= MAX_SEED:
        raise fault(f"--seed {seed}", "out of range", f"0 to {MAX_SEED}", "choose another")
    random = np.random.RandomState(seed)
    places = np.full(len(labels), -1)
    for label in np.unique(labels):
        rows = random.permutation(np.flatnonzero(labels == label))
        start = 0
        for number, each in enumerate(hold_outs):
            stop = start + int(len(rows) * each.share + 0.5)
            places[rows[start:stop]] = number
            start = stop
    _refuse_empty(places, hold_outs)
    return places


def _refuse_empty(places: np.ndarray, hold_outs: Sequence[HoldOut]) -> None:
    names = {number: each.split for number, each in enumerate(hold_outs)}
    for number, name in (names | {-1: "the rest"}).items():
        if not (places == number).any():
            found = f"none of {len(places):,} rows for {name}"
            raise fault(_option(hold_outs), found, "at least one", "choose another share")


def _option(hold_outs: Sequence[HoldOut]) -> str:
    return f"--hold-out {' '.join(f'{each.split}={each.share:g}' for each in hold_outs)}"
