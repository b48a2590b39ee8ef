"""The cause of an error, below the errors that `datasets` raises on top of it."""

import contextlib
import os
import re
from collections.abc import Iterator

from datasets.exceptions import DatasetsError


@contextlib.contextmanager
def naming_dataset(name: str, writing_to: str | os.PathLike[str]) -> Iterator[None]:
    """Let errors begin with the dataset's name, and say what was wrong in the first place.

    `writing_to` is named if the system gives no path, as for a full disk. Expected errors become
    ValueError and OSError. Others are bugs and pass unchanged, as does a KeyboardInterrupt, even if
    `datasets` raised another error while it handled it.
    """
    try:
        yield
    except Exception as error:
        cause = find_cause(error)
        if isinstance(cause, ConnectionError):
            raise ConnectionError(f"{name}: {cause}") from error
        if isinstance(cause, OSError):
            raise OSError(f"{name}: {_text_of(cause, writing_to)}") from error
        if type(cause) is RuntimeError:  # what `datasets` says of a worker that was killed
            raise OSError(f"{name}: {cause}") from error
        if isinstance(cause, (ValueError, DatasetsError)):
            raise ValueError(f"{name}: {cause}") from error
        raise cause from None


def find_cause(error: BaseException) -> BaseException:
    """Return the error below those that `datasets` wraps around it, or a user's KeyboardInterrupt.

    Of an error in another process only the text arrives; an exception is made of that.
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
    """Return the first error of a traceback that was printed in another process."""
    match = re.search(r"^(?:\w+\.)*(\w+(?:Error|Exception)): (.+)", text, re.MULTILINE)
    if match is None:
        return ValueError(text.strip().splitlines()[-1])
    kind, message = match.groups()
    if kind == "ValueError":
        return ValueError(message)
    if kind in ("OSError", "ConnectionError", "PermissionError", "FileNotFoundError"):
        return OSError(message)
    return Exception(f"{kind}: {message}")


def _text_of(error: OSError, writing_to: str | os.PathLike[str]) -> str:
    if not error.errno or not error.strerror:
        return str(error)
    place = os.fsdecode(error.filename or writing_to)
    return (
        f"{place}: {error.strerror}, expected to read and write there; correct that, run it again"
    )
