"""Plan a push: the files that its commit adds, updates and deletes, and those it must not touch."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mnist_family import fault
from mnist_tools.hub.content import Content, Digest, RemoteFile, from_bytes
from mnist_tools.hub.data_files import matching
from mnist_tools.hub.folder import CARD, CARD_FILES, BuiltFolder
from mnist_tools.hub.record import RECORD, PushRecord, config_of, parse_record, unchanged_files
from mnist_tools.hub.repository import Repository, Snapshot
from mnist_tools.hub.shared_card import describe_difference, merge_cards, own_digest, same_cards
from mnist_tools.lists import name_some


@dataclass(frozen=True)
class Choices:
    """The user's decisions about files that are already in the repository."""

    replace: Sequence[str] = ()  # patterns of files to overwrite, whoever wrote them
    delete_configs: Sequence[str] = ()
    keep_configs: bool = False


@dataclass(frozen=True)
class RemoteState:
    """The files of a repository, and the text of the two that decide what a push may do."""

    snapshot: Snapshot
    card: str | None = None
    record: bytes | None = None

    @property
    def files(self) -> Mapping[str, RemoteFile]:
        """Return every file, by its path."""
        return self.snapshot.files


@dataclass(frozen=True)
class Plan:
    """One commit. `files` are this project's files in the repository afterwards."""

    files: Mapping[str, Content]
    add: tuple[str, ...]
    update: tuple[str, ...]
    delete: tuple[str, ...]
    kept_configs: tuple[str, ...] = ()  # from earlier pushes, not in the folder

    @property
    def changes(self) -> bool:
        """Return whether there is anything to commit."""
        return bool(self.add or self.update or self.delete)

    def is_done(self, files: Mapping[str, RemoteFile]) -> bool:
        """Check whether a repository looks as it would after the commit."""
        # Deletions need no check of their own: they change the record, which is among the files.
        return all(content.digest.matches(files.get(path)) for path, content in self.files.items())


def read_remote_state(repository: Repository) -> RemoteState:
    """Read what a push needs to know about a repository."""
    snapshot = repository.read_snapshot()
    texts = {
        path: repository.read(path, snapshot.revision)
        for path in (CARD, RECORD)
        if path in snapshot.files
    }
    card = texts[CARD].decode("utf-8", "replace") if CARD in texts else None
    return RemoteState(snapshot, card, texts.get(RECORD))


def make_plan(repo_id: str, folder: BuiltFolder, remote: RemoteState, choices: Choices) -> Plan:
    """Compare a folder with a repository.

    ValueError if the push would overwrite or delete files that others wrote, or leave files there
    that `load_dataset` would read by mistake.
    """
    refuse_script(repo_id, [*folder.files, *remote.files])
    record = parse_record(remote.record) if remote.record is not None else None
    pushed = record.configs if record else {}
    _refuse_odd_deletions(folder, pushed, choices.delete_configs)
    kept = {*pushed} - {*folder.shards, *choices.delete_configs}
    _refuse_undecided(repo_id, folder, kept, choices)
    _refuse_edited_deletions(repo_id, remote, pushed, choices.delete_configs)
    own_configs = {*folder.shards, *kept}
    files = {**folder.files, CARD: _shared_card(folder, remote, choices.delete_configs)}
    delete = tuple(_stale_files(folder, remote, pushed, choices.delete_configs))
    new_record = _new_record(files, record, kept, remote, own_configs)
    files[RECORD] = from_bytes(new_record.to_json())
    changed = [path for path in files if not files[path].digest.matches(remote.files.get(path))]
    update = tuple(path for path in changed if path in remote.files)
    _refuse_overwriting(repo_id, update, files, remote, record, choices)
    _refuse_foreign_data(repo_id, folder, {*remote.files} - {*files, *delete})
    add = tuple(path for path in changed if path not in remote.files)
    return Plan(files, add, update, delete, tuple(sorted(kept)))


def refuse_script(repo_id: str, paths: Collection[str]) -> None:
    """Raise ValueError for a file that `datasets` would run as the repository's loading script."""
    script = f"{repo_id.split('/')[-1]}.py"
    if script in paths:
        expected = "none, for `datasets` takes it for a loading script"
        remedy = "choose another name for the repository, or remove the file"
        raise fault(repo_id, f"a file {script}", expected, remedy)


# --- Configs of earlier pushes --------------------------------------------------------------------


def _refuse_odd_deletions(
    folder: BuiltFolder, pushed: Collection[str], deleted: Sequence[str]
) -> None:
    """Raise ValueError for a --delete-config of a config in the folder or of no earlier push."""
    for name in deleted:
        option = f"--delete-config {name}"
        if name in folder.shards:
            raise fault(option, "the folder has that config", "another one", "leave the option out")
        if name not in pushed:
            known = ", ".join(sorted({*pushed} - {*folder.shards})) or "none that can be deleted"
            found = "no earlier push put that config there"
            raise fault(option, found, known, "correct the name")


def _refuse_undecided(
    repo_id: str, folder: BuiltFolder, kept: Collection[str], choices: Choices
) -> None:
    """Raise ValueError if the user has not decided about configs that are not in the folder."""
    if kept and not choices.keep_configs:
        raise fault(
            repo_id,
            f"holds {', '.join(sorted(kept))} of an earlier push, which {folder.path} lacks",
            "to be told what becomes of them",
            "pass --keep-configs, or --delete-config NAME for each",
        )


def _refuse_edited_deletions(
    repo_id: str,
    remote: RemoteState,
    pushed: Mapping[str, Mapping[str, Digest]],
    deleted: Sequence[str],
) -> None:
    """Raise ValueError if somebody has changed a file of a config that is to be deleted."""
    for config in deleted:
        unchanged = unchanged_files(pushed[config], remote.files)
        edited = [path for path in pushed[config] if path in remote.files and path not in unchanged]
        if edited:
            found = f"{name_some(sorted(edited))} was changed there"
            remedy = "delete it there yourself"
            raise fault(f"{repo_id}: --delete-config {config}", found, "it as pushed", remedy)


def _stale_files(
    folder: BuiltFolder,
    remote: RemoteState,
    pushed: Mapping[str, Mapping[str, Digest]],
    deleted: Sequence[str],
) -> Iterator[str]:
    """Yield files of earlier pushes that are no longer wanted and that nobody has changed."""
    for config, digests in pushed.items():
        if config in deleted or config in folder.shards:
            unchanged = unchanged_files(digests, remote.files)
            yield from (path for path in unchanged if path not in folder.files)


def _new_record(
    files: Mapping[str, Content],
    record: PushRecord | None,
    kept: Collection[str],
    remote: RemoteState,
    own_configs: Collection[str],
) -> PushRecord:
    """Return the record of this project's files in the repository after the push."""
    shared = dict(unchanged_files(record.shared, remote.files)) if record else {}
    configs: dict[str, dict[str, Digest]] = {}
    for name in own_configs:
        old = record.configs.get(name, {}) if record and name in kept else {}
        configs[name] = unchanged_files(old, remote.files)
    for path, content in files.items():
        config = config_of(path, own_configs)
        if path != CARD:
            (shared if config is None else configs[config])[path] = content.digest
    card = own_digest(files[CARD].text(), own_configs)
    return PushRecord(card, shared, configs)


# --- What others wrote ----------------------------------------------------------------------------


def _shared_card(folder: BuiltFolder, remote: RemoteState, dropped: Collection[str]) -> Content:
    """Return the card to push: the folder's, plus the repository's entries for other configs."""
    if remote.card is None:
        return folder.files[CARD]
    merged = merge_cards(folder.card, remote.card, dropped)
    if same_cards(merged, remote.card):
        return from_bytes(remote.card.encode())  # only the layout of its YAML differs
    return from_bytes(merged.encode())


def _refuse_overwriting(
    repo_id: str,
    update: Sequence[str],
    files: Mapping[str, Content],
    remote: RemoteState,
    record: PushRecord | None,
    choices: Choices,
) -> None:
    """Raise ValueError if the push would overwrite files that others wrote."""
    own = dict(record.files()) if record else {}
    edited = [
        path
        for path in update
        if path not in (CARD, RECORD)
        and not (path in own and own[path].matches(remote.files[path]))
    ]
    if CARD in update and remote.card is not None and _is_edited(remote.card, record):
        edited.insert(0, CARD)
    if RECORD in update and record is None:
        edited.append(RECORD)
    refused = [path for path in edited if not matching([path], choices.replace)]
    if not refused:
        return
    found = f"{name_some(refused)} there was written or changed by somebody else"
    if refused[0] == CARD and remote.card is not None:
        own_configs = record.configs if record else ()
        differs = describe_difference(remote.card, files[CARD].text(), own_configs)
        found = f"{CARD} there was written or edited by somebody else ({differs})"
    option = "--replace-card" if refused[0] in CARD_FILES else f"--replace {refused[0]}"
    raise fault(repo_id, found, "what an earlier push left", f"pass {option} to replace it")


def _is_edited(card: str, record: PushRecord | None) -> bool:
    return record is None or own_digest(card, record.configs) != record.card


def _refuse_foreign_data(repo_id: str, folder: BuiltFolder, others: Collection[str]) -> None:
    """Raise ValueError for other people's files that our card would read as data."""
    read = sorted(matching(others, folder.patterns))
    if read:
        found = f"{name_some(read)} would be read as data"
        raise fault(repo_id, found, "no such file", "rename or delete it there")
