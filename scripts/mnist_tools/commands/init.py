"""Start a dataset of one's own: archives from any source, and a facts.yaml to fill in."""

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import mnist_family
from mnist_family import fault
from mnist_tools.cards.escape import printable
from mnist_tools.cards.facts import CARDS, FACTS_FILE
from mnist_tools.cards.skeleton import (
    SCHEMA_COPY,
    published_skeleton,
    schema_copy,
    schema_path_from,
    skeleton,
)
from mnist_tools.command_line import command_line
from mnist_tools.formats.class_names import class_count, names_of_option
from mnist_tools.formats.idx import archives_in
from mnist_tools.formats.images import RESIZED
from mnist_tools.formats.source import Source, open_source, with_usual_splits
from mnist_tools.hold_out import HoldOut
from mnist_tools.lists import name_rows, name_splits
from mnist_tools.new_archives import NewArchives, Preparation, files_of, write_new_archives
from mnist_tools.new_files import new_files, refuse_existing


@dataclass(frozen=True)
class Started:
    """A folder with a dataset, and what was written into it.

    `written` are names of files. `source` and `archives` are None if only facts.yaml was to be
    written. `missing_facts` are sentences that an earlier facts.yaml lacks.
    """

    folder: Path
    written: tuple[str, ...]
    source: Source | None = None
    archives: NewArchives | None = None
    missing_facts: tuple[str, ...] = field(default=())


def init(
    folder: str | Path,
    source: str | Path | None = None,
    *,
    class_names: Path | None = None,
    resize: bool = False,
    invert: bool = False,
    hold_out: Sequence[HoldOut] = (),
    seed: int = 0,
) -> Started:
    """Write IDX archives, labels.txt and facts.yaml into `folder`, which may exist.

    `source` is anything that `convert` reads; without it, only a missing facts.yaml is written.
    `class_names` is a labels.txt or dataset_meta.json, for a source that has none or other ones.
    `resize` is that of `convert`; `invert` turns dark on white into white on black, as 0 is
    background. Each of `hold_out` takes its share of the rows of train, drawn with `seed`.

    No file is ever replaced: an existing facts.yaml stays, and any other is a ValueError, as are
    rows that would be misread. After an error, `folder` is as it was.
    """
    folder = Path(folder)
    if source is not None:
        preparation = Preparation(invert, tuple(hold_out), seed)
        return _from_source(folder, source, class_names, resize, preparation)
    for option, value in {
        "--class-names": class_names,
        "--resize": resize,
        "--invert": invert,
        "--hold-out": hold_out,
    }.items():
        if value:
            raise fault(option, "given without --from", "both", "name a source, or leave it out")
    return _facts_alone(folder)


def run(
    folder: Path,
    source: str | None,
    class_names: Path | None,
    resize: bool,
    invert: bool,
    hold_out: list[tuple[str, float]] | None,
    seed: int,
) -> int:
    """Start a dataset; print what was read and written, and the commands to run next."""
    started = init(
        folder,
        source,
        class_names=class_names,
        resize=resize,
        invert=invert,
        hold_out=[HoldOut(*each) for each in hold_out or ()],
        seed=seed,
    )
    for line in _summary(str(source), started):
        print(printable(line))
    if started.archives and started.archives.notes:
        options = _options(class_names, resize, hold_out or (), seed)
        print(_with_other_background(folder, str(source), options, inverted=invert))
    print(_next_commands(started.folder))
    return 0


def _options(
    class_names: Path | None, resize: bool, hold_out: Sequence[tuple[str, float]], seed: int
) -> list[str]:
    """Return the arguments of a command line with these options; --invert is added later."""
    options = ["--class-names", str(class_names)] if class_names else []
    if resize:
        options.append("--resize")
    for split, share in hold_out:
        options += ["--hold-out", f"{split}={share}"]
    if seed:
        options += ["--seed", str(seed)]
    return options


# --- What to write --------------------------------------------------------------------------------


def _from_source(
    folder: Path,
    path: str | Path,
    class_names: Path | None,
    resize: bool,
    preparation: Preparation,
) -> Started:
    if _is_in_cards(folder):
        expected = "a folder outside cards/, which has no archives"
        raise fault(str(folder), "a folder of cards/", expected, "choose another folder")
    names = names_of_option(class_names)
    source = with_usual_splits(open_source(path, class_names=names, resize=resize), Path(path))
    # Other archives would become splits of the new dataset.
    refuse_existing(folder, [*files_of(source, preparation.hold_out), *_archives_in(folder)])
    with new_files(folder) as new:
        archives = write_new_archives(new, source, preparation)
        has_facts = (folder / FACTS_FILE).exists()
        if not has_facts:
            known = {"collection": [*archives.done]} if archives.done else {}
            data = _describe_data(archives.class_names, archives.splits)
            _write_facts(new, folder, skeleton(_name_of(folder), data=data, known=known))
        written = tuple(sorted(file.name for file in new.iterdir()))
    return Started(folder, written, source, archives, archives.done if has_facts else ())


def _archives_in(folder: Path) -> list[str]:
    return archives_in(folder) if folder.is_dir() else []


def _facts_alone(folder: Path) -> Started:
    """Write facts.yaml into a folder that lacks it."""
    if not folder.is_dir() and not _is_in_cards(folder):
        expected = "a folder of archives, or --from"
        raise fault(str(folder), "no such folder", expected, "name the data with --from")
    if (folder / FACTS_FILE).exists():
        return Started(folder, ())
    with new_files(folder) as new:
        if _is_in_cards(folder):
            _refuse_unknown_config(folder)
            text = published_skeleton(_name_of(folder), schema_path_from(folder.resolve()))
            _write_text(new / FACTS_FILE, text)
        else:
            _write_facts(new, folder, skeleton(_name_of(folder), data=_data_in(folder)))
        written = tuple(sorted(file.name for file in new.iterdir()))
    return Started(folder, written)


def _write_facts(new: Path, folder: Path, text: str) -> None:
    """Write facts.yaml into the folder `new`, with the JSON Schema unless `folder` has it."""
    _write_text(new / FACTS_FILE, text)
    if not (folder / SCHEMA_COPY).exists():
        _write_text(new / SCHEMA_COPY, schema_copy())


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _name_of(folder: Path) -> str:
    return folder.resolve().name


def _is_in_cards(folder: Path) -> bool:
    return folder.resolve().parent == CARDS.resolve()


def _refuse_unknown_config(folder: Path) -> None:
    """Raise ValueError for a folder of cards/ that no config is named after."""
    names = [config.name for config in mnist_family.CONFIGS]
    if _name_of(folder) not in names:
        found, expected = "no such config", f"one of {', '.join(names)}"
        raise fault(str(folder), found, expected, "add a row to CONFIGS first")


def _data_in(folder: Path) -> str | None:
    """Describe the archives in a folder; None if it has none that can be read."""
    with contextlib.suppress(ValueError, OSError):
        located = mnist_family.locate(folder)
        splits = [mnist_family.inspect(each)[0] for each in located.splits]
        names = located.class_names.names if located.class_names else None
        return _describe_data(names, {split.name: split.rows for split in splits})
    return None


def _describe_data(class_names: Sequence[str] | None, splits: dict[str, int]) -> str:
    rows = ", ".join(f"{count:,} {name} rows" for name, count in splits.items())
    return rows if class_names is None else f"{class_count(class_names)}; {rows}"


# --- What to print --------------------------------------------------------------------------------


def _summary(source: str, started: Started) -> list[str]:
    """Describe to the user, in lines, what was read and written."""
    lines = []
    if started.source and started.archives:
        splits = name_splits(started.source.splits)
        names = class_count(started.archives.class_names)
        lines.append(f"{source}: {started.source.format} with {splits} and {names}")
        # The sentences in `done` say what resizing changed, so its general note is left out.
        lines += [note for note in started.source.notes if note != RESIZED]
        lines += started.archives.done
        for split, rows in started.archives.splits.items():
            lines.append(f"{split}: {name_rows(rows)}")
        lines += started.archives.notes
    if started.written:
        archives = [name for name in started.written if name.endswith(".gz")]
        others = [name for name in started.written if name not in archives]
        count = [f"{len(archives)} archives"] if archives else []
        lines.append(f"{started.folder}: written, with {', '.join([*count, *others])}")
    if FACTS_FILE not in started.written:
        lines.append(f"{started.folder / FACTS_FILE}: there already, and not changed")
    if started.missing_facts:
        lines.append(f"add to its collection: {' '.join(started.missing_facts)}")
    return lines


def _with_other_background(
    folder: Path, source: str, options: Sequence[str], *, inverted: bool
) -> str:
    """Return a command that writes the dataset with the other background, in a new folder."""
    new = f"{folder}-{'not-' if inverted else ''}inverted"
    last = () if inverted else ("--invert",)
    command = command_line("init", new, "--from", source, *options, *last)
    return f"To do that, in another folder:\n\n    {command}\n"


def _next_commands(folder: Path) -> str:
    """Say what to do next: fill in facts.yaml, and run the command that shows the card."""
    if _is_in_cards(folder):
        command = command_line("card", _name_of(folder))
    else:
        command = command_line("build", "out", _source_word(folder))
    return f"Next, edit {folder / FACTS_FILE}, then run:\n\n    {command}"


def _source_word(folder: Path) -> str:
    """Return what `build` takes for a folder: its path, or NAME=PATH if its name cannot be used."""
    name = _name_of(folder)
    if _is_usable(name):
        return str(folder)
    plain = re.sub(r"[^\w.-]+", "-", name, flags=re.ASCII).strip("-._") or "mine"
    return f"{plain if _is_usable(plain) else f'my-{plain}'}={folder}"


def _is_usable(name: str) -> bool:
    """Check whether one's own dataset may have this name."""
    try:
        mnist_family.check_config_name(name, name)
    except ValueError:
        return False
    return mnist_family.config_known_as(name) is None
