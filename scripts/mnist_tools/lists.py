"""Name several things in a sentence."""

from collections.abc import Collection, Iterable


def name_some(values: Iterable[object], shown: int = 3, separator: str = ", ") -> str:
    """Join the first few values, and say how many more there are."""
    texts = [str(value) for value in values]
    hidden = len(texts) - shown
    if hidden <= 0:
        return separator.join(texts)
    return f"{separator.join(texts[:shown])} and {hidden:,} more"


def name_splits(splits: Collection[str]) -> str:
    """Return "the split train" or, of several, "the splits train, test"."""
    word = "split" if len(splits) == 1 else "splits"
    return f"the {word} {', '.join(splits)}"


def name_rows(count: int) -> str:
    """Return "1 row" or, of several, "2,000 rows"."""
    return "1 row" if count == 1 else f"{count:,} rows"
