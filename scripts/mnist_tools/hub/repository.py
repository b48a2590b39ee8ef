"""Read, create, upload to and commit to a branch of a dataset repository on the Hub."""

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
PULL_REQUESTS = "refs/pr/"  # the revisions of pull requests start with this
TIMEOUT = 60  # seconds without receiving a byte
XET_REMEDY = ", with HF_HUB_DISABLE_XET=1 if it fails again"


@dataclass(frozen=True)
class Snapshot:
    """The content of a branch. A branch to be created starts with the content of `main`."""

    revision: str = ""  # the head, or "" if there is no repository
    files: Mapping[str, RemoteFile] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)  # the revision of each tag
    missing: Literal["repository", "branch"] | None = None


class Commit(NamedTuple):
    """A commit that the Hub has confirmed."""

    revision: str
    pull_request: str | None  # URL


class Repository:
    """A branch of a dataset repository; calls that fail raise a HubError with one line."""

    def __init__(self, repo_id: str, branch: str) -> None:
        self.repo_id = repo_id
        self.branch = branch
        self._api = _ApiWithoutIgnoring()
        self.url = f"{self._api.endpoint}/datasets/{repo_id}"

    # --- Reading ----------------------------------------------------------------------------------

    def read_snapshot(self) -> Snapshot:
        """Return the current content of the branch; ValueError if it is a tag or a commit."""
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
        """Raise ValueError if the name is that of a tag, a commit or a missing pull request."""
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
        """Check whether the repository is private."""
        with self.asking():
            return bool(self._api.repo_info(self.repo_id, repo_type=REPO_TYPE).private)

    def list_files(self, revision: str) -> dict[str, RemoteFile]:
        """Return all files at a revision, by path."""
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
        """Return the bytes of a file from `start` up to `stop`, as the Hub delivers them."""
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
        if stop is not None and response.status_code == 200:  # the Hub sent the whole file
            return content[start:stop]
        return content

    # --- Writing ----------------------------------------------------------------------------------

    def create(self, snapshot: Snapshot, *, private: bool) -> None:
        """Create what `snapshot` says is missing: the repository, or the branch, from `main`."""
        head: str | None = snapshot.revision
        with self.asking():
            if snapshot.missing == "repository":
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
        """Upload the objects of the next commit, except those that the Hub already has."""
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
        """Turn any exception of the clients into a HubError; their types differ between releases.

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
    """A client that ignores .gitignore files, so that every file is committed."""

    def preupload_lfs_files(self, *args: Any, **options: Any) -> None:
        """Upload as the client does, which also calls this for every commit."""
        super().preupload_lfs_files(*args, **{"gitignore_content": "", **options})


def _uploads_by_xet() -> bool:
    """Check whether the client uploads large files to Xet, the newer storage of the Hub."""
    disabled = getattr(constants, "HF_HUB_DISABLE_XET", True)  # 0.30 has no Xet
    return not disabled and importlib.util.find_spec("hf_xet") is not None
