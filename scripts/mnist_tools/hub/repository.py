"""A branch of a dataset repository on the Hub: read it, create it, upload to it, commit to it."""

import contextlib
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import huggingface_hub
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationCopy,
    CommitOperationDelete,
    constants,
)
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status, http_backoff

from mnist_family import fault
from mnist_tools.hub.content import RemoteFile
from mnist_tools.hub.failures import HubError, describe_failure, is_refusal, status_of

REPO_TYPE = "dataset"
PULL_REQUESTS = "refs/pr/"  # what the revisions of pull requests start with
TIMEOUT = 60  # seconds without a byte
XET_REMEDY = ", with HF_HUB_DISABLE_XET=1 if it fails again"


@dataclass(frozen=True)
class Snapshot:
    """What a branch holds. A branch that is still to be created holds what `main` holds."""

    revision: str = ""  # the head, or nothing if there is no repository
    files: Mapping[str, RemoteFile] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)  # the revision of each tag
    missing: Literal["repository", "branch"] | None = None


class Commit(NamedTuple):
    """A commit that the Hub has confirmed."""

    revision: str
    pull_request: str | None  # URL


class Repository:
    """A branch of a dataset repository; every failing call raises a HubError with one line."""

    def __init__(self, repo_id: str, branch: str) -> None:
        self.repo_id = repo_id
        self.branch = branch
        self._api = _ApiWithoutIgnoring()
        self.url = f"{self._api.endpoint}/datasets/{repo_id}"

    # --- Reading ----------------------------------------------------------------------------------

    def look(self) -> Snapshot:
        """Return what the branch holds; ValueError if `branch` names a tag or a commit."""
        with self.asking():
            try:
                refs = self._api.list_repo_refs(
                    self.repo_id, repo_type=REPO_TYPE, include_pull_requests=self._is_pull_request
                )
            except RepositoryNotFoundError as error:
                if status_of(error) != 404:
                    raise
                return Snapshot(missing="repository")
            heads = {ref.name: ref.target_commit for ref in refs.branches}
            heads.update({ref.ref: ref.target_commit for ref in refs.pull_requests or []})
            tags = {ref.name: ref.target_commit for ref in refs.tags}
        if self.branch in heads:
            head = heads[self.branch]
            return Snapshot(head, self.list_files(head), tags)
        self._refuse_fixed_revision(tags)
        if "main" not in heads:
            raise fault(self.repo_id, "no branch main", "one to start from", "create it on the Hub")
        return Snapshot(heads["main"], self.list_files(heads["main"]), tags, missing="branch")

    @property
    def _is_pull_request(self) -> bool:
        return self.branch.startswith(PULL_REQUESTS)

    def _refuse_fixed_revision(self, tags: Mapping[str, str]) -> None:
        """Raise ValueError if the branch's name is that of something that cannot be pushed to."""
        found = None
        if self.branch in tags:
            found = "a tag"
        elif self._is_pull_request:
            found = "no such pull request"
        elif self._is_revision(self.branch):
            found = "a commit"
        if found:
            raise fault(
                f"{self.repo_id}, revision {self.branch}", found, "a branch", "name a branch"
            )

    def _is_revision(self, name: str) -> bool:
        with self.asking():
            try:
                self._api.repo_info(self.repo_id, repo_type=REPO_TYPE, revision=name)
            except RevisionNotFoundError:
                return False
        return True

    def is_private(self) -> bool:
        """Tell whether the repository is private."""
        with self.asking():
            return bool(self._api.repo_info(self.repo_id, repo_type=REPO_TYPE).private)

    def list_files(self, revision: str) -> dict[str, RemoteFile]:
        """Return every file at a revision, by its path."""
        with self.asking():
            entries = self._api.list_repo_tree(
                self.repo_id, recursive=True, revision=revision, repo_type=REPO_TYPE
            )
            files = [entry for entry in entries if isinstance(entry, RepoFile)]
            return {
                file.path: RemoteFile(
                    file.size, file.blob_id, file.lfs.sha256 if file.lfs else None
                )
                for file in files
            }

    def read(self, path: str, revision: str, start: int = 0, stop: int | None = None) -> bytes:
        """Return the bytes of a file from `start` up to `stop`, as the Hub delivers them now."""
        url = huggingface_hub.hf_hub_url(
            self.repo_id, path, repo_type=REPO_TYPE, revision=revision, endpoint=self._api.endpoint
        )
        headers = build_hf_headers()
        if stop is not None:
            headers["Range"] = f"bytes={start}-{stop - 1}"
        with self.asking():
            response = http_backoff("GET", url, headers=headers, timeout=TIMEOUT)
            hf_raise_for_status(response)
            content: bytes = response.content
        if stop is not None and response.status_code == 200:  # the whole file, after all
            return content[start:stop]
        return content

    # --- Writing ----------------------------------------------------------------------------------

    def create(self, there: Snapshot, *, private: bool) -> None:
        """Create what `there` lacks: the repository, or the branch from `main`."""
        head: str | None = there.revision
        with self.asking():
            if there.missing == "repository":
                self._api.create_repo(
                    self.repo_id, repo_type=REPO_TYPE, private=private or None, exist_ok=True
                )
                head = None  # of main
            if self.branch != "main":
                self._api.create_branch(
                    self.repo_id,
                    branch=self.branch,
                    revision=head,
                    repo_type=REPO_TYPE,
                    exist_ok=True,
                )

    def upload(
        self, additions: Sequence[CommitOperationAdd], *, create_pr: bool, num_workers: int
    ) -> None:
        """Upload the objects of a commit to come, except for those that the Hub has."""
        with self.asking(remedy=XET_REMEDY if _uploads_by_xet() else ""):
            self._api.preupload_lfs_files(
                self.repo_id,
                additions,
                repo_type=REPO_TYPE,
                revision=self.branch,
                create_pr=create_pr,
                num_threads=num_workers,
                free_memory=False,
            )

    def commit(
        self,
        additions: Sequence[CommitOperationAdd],
        deletions: Sequence[str],
        *,
        message: str,
        parent: str,
        create_pr: bool,
    ) -> Commit:
        """Make one commit on top of `parent`; it fails if the branch has moved on."""
        operations: list[CommitOperationAdd | CommitOperationCopy | CommitOperationDelete] = [
            *(CommitOperationDelete(path) for path in deletions),
            *additions,
        ]
        with self.asking():
            made = self._api.create_commit(
                self.repo_id,
                operations,
                commit_message=message,
                repo_type=REPO_TYPE,
                revision=self.branch,
                parent_commit=parent,
                create_pr=create_pr,
            )
        return Commit(made.oid, made.pr_url)

    def tag(self, name: str, revision: str) -> None:
        """Create a tag."""
        with self.asking():
            self._api.create_tag(self.repo_id, tag=name, revision=revision, repo_type=REPO_TYPE)

    @contextlib.contextmanager
    def asking(self, remedy: str = "") -> Iterator[None]:
        """Turn whatever the clients raise, which differs between releases, into a HubError.

        `remedy` is added to the line unless the Hub refused.
        """
        try:
            yield
        except HubError:
            raise
        except Exception as error:
            refused = is_refusal(error)
            line = f"{self.repo_id}: {describe_failure(error)}"
            raise HubError(line if refused else f"{line}{remedy}", refused=refused) from error


class _ApiWithoutIgnoring(huggingface_hub.HfApi):
    """A client that leaves no file out of a commit, whatever a .gitignore there says."""

    def preupload_lfs_files(self, *args: Any, **options: Any) -> None:
        """Upload as the client does; it calls this for every commit, too."""
        super().preupload_lfs_files(*args, **{"gitignore_content": "", **options})


def _uploads_by_xet() -> bool:
    """Tell whether the client uploads large files through Xet, the newer storage of the Hub."""
    disabled = getattr(constants, "HF_HUB_DISABLE_XET", True)  # 0.30 has no Xet
    return not disabled and importlib.util.find_spec("hf_xet") is not None
