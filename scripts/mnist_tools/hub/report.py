"""Report what a push is going to do and what it did, as values and as lines for the user."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mnist_family import escape_controls
from mnist_tools.hub.folder import BuiltFolder
from mnist_tools.hub.plan import Plan
from mnist_tools.hub.repository import Repository, Snapshot

Outcome = Literal["pushed", "up to date", "dry run"]


@dataclass(frozen=True)
class Preview:
    """What a push is going to do."""

    folder: BuiltFolder
    repository: Repository
    plan: Plan
    snapshot: Snapshot | None = None  # None if the repository could not be read
    not_compared: str | None = None  # why not

    @property
    def revision(self) -> str:
        """Return the head of the branch before the push, or "" if there is none."""
        return self.snapshot.revision if self.snapshot else ""


@dataclass(frozen=True)
class Pushed:
    """What a push did; `revision` is the one that was read back."""

    outcome: Outcome
    url: str
    revision: str
    plan: Plan
    pull_request: str | None = None  # URL
    tag: str | None = None


def result_lines(pushed: Pushed, repo_id: str) -> Iterator[str]:
    """Yield the lines that are printed at the end."""
    if pushed.outcome == "dry run":
        yield "Dry run: nothing was sent."
    elif pushed.outcome == "up to date":
        yield f"{repo_id}: already up to date at {pushed.revision}, and read back"
    elif pushed.pull_request:
        yield f"{repo_id}: pull request opened and read back, {pushed.pull_request}"
        yield f"Revision {pushed.revision}"
    else:
        yield f"{repo_id}: pushed and read back, {pushed.url}"
        yield f"Revision {pushed.revision}"
    if pushed.tag:
        yield f"Tag {pushed.tag}"


def preview_lines(preview: Preview) -> Iterator[str]:
    """Yield lines on the files that a push adds, updates and deletes, and notes for the user."""
    plan = preview.plan
    yield f"{preview.folder.path} to {preview.repository.url}, {_where(preview)}"
    changes = [("add", plan.add), ("update", plan.update), ("delete", plan.delete)]
    if preview.snapshot is None:
        changes = [("push", plan.add)]
    for verb, paths in changes:
        for path in paths:
            yield f"  {verb:6}  {_size(preview, path):>12,} B  {escape_controls(path)}"
    counts = ", ".join(f"{len(paths)} to {verb}" for verb, paths in changes)
    sent = [*plan.add, *plan.update]
    size = sum(plan.files[path].digest.size for path in sent)
    yield f"  {counts}, {len(plan.files) - len(sent)} unchanged; {size:,} B"
    for note in _notes(preview):
        yield f"  Note: {note}"


def _where(preview: Preview) -> str:
    branch = f"branch {preview.repository.branch}"
    if preview.snapshot is None:
        return f"{branch}, which was not compared"
    if preview.snapshot.missing:
        return f"{branch}, a {preview.snapshot.missing} to be created"
    return f"{branch}, at {preview.snapshot.revision}"


def _size(preview: Preview, path: str) -> int:
    if path in preview.plan.files:
        return preview.plan.files[path].digest.size
    return preview.snapshot.files[path].size if preview.snapshot else 0


def _notes(preview: Preview) -> Iterator[str]:
    kept = ", ".join(preview.plan.kept_configs)
    if preview.not_compared:
        yield f"the repository was not compared. {preview.not_compared}"
    if preview.folder.card_edited:
        yield "README.md was edited since it was built, and is pushed as it is"
    if kept:
        configs = ", ".join(preview.folder.shards)
        yield (
            f"{kept} stay in the repository; README.md, LICENSE.md and croissant.json "
            f"describe {configs} only"
        )
