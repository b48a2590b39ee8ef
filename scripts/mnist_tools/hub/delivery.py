"""Carry out a plan in one commit, and report the state of the repository if that fails."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from huggingface_hub import CommitOperationAdd
from tqdm import tqdm

from mnist_family import fault
from mnist_tools.errors import Interrupted
from mnist_tools.hub.content import Content
from mnist_tools.hub.failures import HubError, describe_failure, is_refusal
from mnist_tools.hub.plan import Plan
from mnist_tools.hub.repository import Commit, Repository

BATCH = 20  # files uploaded between updates of the progress bar


def deliver(
    repository: Repository,
    plan: Plan,
    parent: str,
    *,
    message: str,
    create_pr: bool = False,
    num_workers: int = 5,
) -> Commit:
    """Upload the files of a plan, then make its commit on top of `parent`.

    An interrupted upload resumes where it stopped, as the Hub keeps what it has received.
    """
    unchanged = f"The repository is old, at {parent}; nothing was committed."
    with then_telling(repository.repo_id, lambda _: unchanged):
        additions = [_addition(path, plan.files[path]) for path in (*plan.add, *plan.update)]
        with tqdm(desc="Uploading", total=len(additions), unit="file") as bar:
            for batch in _batches(additions):
                repository.upload(batch, create_pr=create_pr, num_workers=num_workers)
                bar.update(len(batch))

    def tell(error: BaseException) -> str:
        if create_pr and not is_refusal(error):
            place = f"{repository.url}/discussions"
            return f"It is not known whether the pull request was opened; look at {place}"
        return _state(repository, plan, parent, certain=is_refusal(error))

    with then_telling(repository.repo_id, tell):
        return repository.commit(
            additions, plan.delete, message=message, parent=parent, create_pr=create_pr
        )


@contextlib.contextmanager
def then_telling(repo_id: str, tell: Callable[[BaseException], str]) -> Iterator[None]:
    """Append a line about the state of the repository to any error raised inside.

    HubError and ValueError keep their type; Ctrl-C becomes Interrupted, other errors HubError.
    """
    try:
        yield
    except KeyboardInterrupt as interrupt:
        raise Interrupted(f"{repo_id}: interrupted\n{tell(interrupt)}") from None
    except ValueError as error:
        raise ValueError(f"{error}\n{tell(error)}") from error
    except HubError as error:
        raise HubError(f"{error}\n{tell(error)}", refused=error.refused) from error
    except Exception as error:  # from `datasets`, pyarrow or the clients
        raise HubError(f"{repo_id}: {describe_failure(error)}\n{tell(error)}") from error


def _addition(path: str, content: Content) -> CommitOperationAdd:
    """Return the operation that adds a file; ValueError if it has changed since it was hashed."""
    source = content.source
    addition = CommitOperationAdd(path, str(source) if isinstance(source, Path) else source)
    if addition.upload_info.sha256.hex() != content.digest.sha256:
        raise fault(str(source), "changed during the push", "it left alone", "run this again")
    return addition


def _batches(additions: Sequence[CommitOperationAdd]) -> Iterator[Sequence[CommitOperationAdd]]:
    for start in range(0, len(additions), BATCH):
        yield additions[start : start + BATCH]


def unknown_state(repository: Repository) -> str:
    """Return the last line of an error after which the state of the repository is unknown."""
    place = f"{repository.url}/commits/{repository.branch}"
    return (
        "It is not known whether the commit was made: "
        f"look at {place}, or run this again, which compares first."
    )


def _state(repository: Repository, plan: Plan, parent: str, *, certain: bool) -> str:
    """Describe the state of the repository after a commit that failed or got no answer."""
    try:
        snapshot = repository.read_snapshot()
    except (KeyboardInterrupt, HubError, ValueError):
        return "Nothing was committed." if certain else unknown_state(repository)
    if plan.is_done(snapshot.files):
        return f"The repository is new, at {snapshot.revision}; run this again to see it compared."
    if snapshot.revision != parent:
        changed = f"somebody else has changed it, now at {snapshot.revision}"
        return f"The repository is old, but {changed}; run this again."
    if certain:
        return f"The repository is old, at {parent}; nothing was committed."
    return f"The repository is old, at {parent}, unless the Hub is still at it; run this again."
