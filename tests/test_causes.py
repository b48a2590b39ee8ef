"""What a user reads of an error that `datasets` wrapped."""

import errno

import pytest
from datasets.exceptions import DatasetGenerationError

from mnist_tools.causes import find_cause, naming_dataset

WRAPPED = "An error occurred while generating the dataset"


class RemoteTraceback(Exception):
    """As `multiprocess` has it: the printed traceback of an error in another process."""


REMOTE = '''
"""
Traceback (most recent call last):
  File "builder.py", line 1, in _prepare_split_single
    for key, record in generator:
{0}

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "pool.py", line 2, in worker
datasets.exceptions.DatasetGenerationError: An error occurred while generating the dataset
"""
'''


def raised(error, *, during=None, cause=None):
    """Return an error as it is after it was raised, while another was handled or because of one."""
    try:
        try:
            if during is not None:
                raise during
        finally:
            if cause is None:
                raise error
            raise error from cause
    except BaseException as caught:
        return caught


def told(error, writing_to="cache"):
    """Return what `naming_dataset` makes of an error."""
    with pytest.raises(BaseException) as caught, naming_dataset("mnist", writing_to):  # noqa: PT011 - any
        raise error
    return caught.value


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (ValueError("file: broken"), ValueError, "mnist: file: broken"),
        (
            raised(DatasetGenerationError(WRAPPED), cause=ValueError("file: broken")),
            ValueError,
            "mnist: file: broken",
        ),
        (
            raised(
                DatasetGenerationError(WRAPPED),
                cause=raised(ValueError("file: cut short"), cause=EOFError("end of file")),
            ),
            ValueError,
            "mnist: file: cut short",
        ),
        (DatasetGenerationError("no cause"), ValueError, "mnist: no cause"),
        (
            raised(
                OSError("Cannot find data file. \nOriginal error:\n[Errno 28] No space"),
                during=OSError(errno.ENOSPC, "No space left on device"),
            ),
            OSError,
            "mnist: cache: No space left on device, expected to read and write there; "
            "fix that and run the command again",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "archive.gz"),
            OSError,
            "mnist: archive.gz: Permission denied, expected to read and write there; "
            "fix that and run the command again",
        ),
        (OSError("file: moved away"), OSError, "mnist: file: moved away"),
        (ConnectionError("no mirror"), ConnectionError, "mnist: no mirror"),
        (
            RuntimeError("One of the subprocesses has abruptly died"),
            OSError,
            "mnist: One of the subprocesses has abruptly died",
        ),
    ],
)
def test_an_error_begins_with_the_dataset_and_says_what_was_wrong(error, kind, message):
    named = told(error)
    assert type(named) is kind
    assert str(named) == message


@pytest.mark.parametrize(
    ("printed", "kind", "message"),
    [
        ("ValueError: file: broken", ValueError, "mnist: file: broken"),
        ("OSError: [Errno 28] No space", OSError, "mnist: [Errno 28] No space"),
        ("builtins.PermissionError: [Errno 13] file", OSError, "mnist: [Errno 13] file"),
        ("KeyError: 'image'", Exception, "KeyError: 'image'"),
        (
            "datasets.exceptions.DatasetGenerationError: An error",
            Exception,
            "DatasetGenerationError: An error",
        ),
    ],
)
def test_an_error_of_another_process_is_read_from_its_traceback(printed, kind, message):
    remote = RemoteTraceback(REMOTE.format(printed))
    named = told(raised(DatasetGenerationError(WRAPPED), cause=remote))
    assert type(named) is kind
    assert str(named) == message


def test_a_traceback_without_an_error_is_told_by_its_last_line():
    named = told(raised(DatasetGenerationError(WRAPPED), cause=RemoteTraceback("worker\ndied\n")))
    assert (type(named), str(named)) == (ValueError, "mnist: died")


def test_a_bug_passes_unchanged():
    bug = TypeError("a bug")
    assert told(bug) is bug
    assert told(raised(DatasetGenerationError(WRAPPED), cause=bug)) is bug


def test_an_interruption_passes_below_whatever_followed_it():
    interrupt = KeyboardInterrupt()
    followed = raised(ValueError("no rows were written"), during=interrupt)
    assert find_cause(followed) is interrupt
    assert told(raised(DatasetGenerationError(WRAPPED), cause=followed)) is interrupt
    assert told(interrupt) is interrupt


def test_a_chain_that_leads_back_to_its_start_has_an_end():
    """As they come to be when `datasets` raises the context of an error again."""
    first, second = DatasetGenerationError(WRAPPED), DatasetGenerationError(WRAPPED)
    first.__cause__, second.__context__ = second, first
    assert find_cause(first) is first
    full = OSError(errno.EFBIG, "File too large")
    first.__cause__, full.__context__ = full, first
    assert find_cause(first) is full


def test_an_error_keeps_its_history_for_developers():
    error = ValueError("file: broken")
    assert told(error).__cause__ is error
