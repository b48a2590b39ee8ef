"""Find the root cause of an error that `datasets` has wrapped in errors of its own."""

import contextlib
import os
import re
from collections.abc import Iterator

from datasets.exceptions import DatasetsError


@contextlib.contextmanager
def naming_dataset(name: str, writing_to: str | os.PathLike[str]) -> Iterator[None]:
    """Replace an error by its root cause, prefixed with the name of the dataset.

    Expected errors are raised as ValueError or OSError. Bugs are raised unchanged, and so is a
    KeyboardInterrupt, even if `datasets` raised another error because of it. `writing_to` stands in
    for the path that some system errors lack, such as that of a full disk.
    """
    try:
        yield
    except Exception as error:
        cause = find_cause(error)
        if isinstance(cause, ConnectionError):
            raise ConnectionError(f"{name}: {cause}") from error
        if isinstance(cause, OSError):
            raise OSError(f"{name}: {_describe_os_error(cause, writing_to)}") from error
        if type(cause) is RuntimeError:  # how `datasets` reports that a worker was killed
            raise OSError(f"{name}: {cause}") from error
        if isinstance(cause, (ValueError, DatasetsError)):
            raise ValueError(f"{name}: {cause}") from error
        raise cause from None


def find_cause(error: BaseException) -> BaseException:
    """Return the first error below the wrappers of `datasets`, or a KeyboardInterrupt if any.

    An error in another process arrives as the text of its traceback; an exception of the same kind
    is made from that.
    """
    chain = _chain_of(error)
    for each in chain:
        if isinstance(each, KeyboardInterrupt):
            return each
        if type(each).__name__ == "RemoteTraceback":
            return _read_traceback(str(each))
    return next((each for each in chain if not _is_wrapper(each)), error)


def _chain_of(error: BaseException) -> list[BaseException]:
    """Return an error and those below it, each once: some chains lead back to their start."""
    chain: list[BaseException] = []
    below: BaseException | None = error
    while below is not None and below not in chain:
        chain.append(below)
        below = below.__cause__ or below.__context__
    return chain


def _is_wrapper(error: BaseException) -> bool:
    return isinstance(error, DatasetsError) or "\nOriginal error:\n" in str(error)


def _read_traceback(text: str) -> Exception:
    """Recreate the first error in the printed traceback of another process."""
    match = re.search(r"^(?:\w+\.)*(\w+(?:Error|Exception)): (.+)", text, re.MULTILINE)
    if match is None:
        return ValueError(text.strip().splitlines()[-1])
    kind, message = match.groups()
    if kind == "ValueError":
        return ValueError(message)
    if kind in ("OSError", "ConnectionError", "PermissionError", "FileNotFoundError"):
        return OSError(message)
    return Exception(f"{kind}: {message}")


def _describe_os_error(error: OSError, writing_to: str | os.PathLike[str]) -> str:
    if not error.errno or not error.strerror:
        return str(error)
    place = os.fsdecode(error.filename or writing_to)
    expected, remedy = "to read and write there", "fix that and run the command again"
    return f"{place}: {error.strerror}, expected {expected}; {remedy}"
