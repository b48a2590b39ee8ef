"""Write one shard: the task that every engine runs."""

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mnist_tools.manifest import hash_file
from mnist_tools.shards.digests import digest_rows, sort_digests
from mnist_tools.shards.rows_file import open_rows_file, read_groups, schema_of, table_of
from mnist_tools.shards.sidecar import Shard, sidecar_text
from mnist_tools.shards.tally import empty_tally, tally_chunk
from mnist_tools.shards.task import INCOMPLETE, ShardTask

KEPT_BYTES = 8 << 20  # more than the arrays of one chunk take


def write_shard(task: ShardTask) -> None:
    """Write the rows of a task to its Parquet file, then their digests, then the sidecar.

    Any process on any machine may run this, also twice at once: each file appears when it is
    complete, and equal tasks give equal bytes in the same environment. ValueError if a row is
    wrong, OSError that names the file if it cannot be written.
    """
    task.path.parent.mkdir(parents=True, exist_ok=True)
    _keep_freed_memory()
    schema = schema_of(task.class_names)
    tally = empty_tally(len(task.class_names))
    digests = []
    arrow_bytes = 0
    row = task.start
    with _written_whole(task.path) as partial:
        with partial.open("xb") as file, open_rows_file(file, schema) as writer:
            for chunk in read_groups(task.split, task.start, task.stop):
                table = table_of(chunk, schema)
                writer.write_table(table)
                arrow_bytes += table.nbytes
                tally += tally_chunk(chunk, len(task.class_names), row)
                digests.append(digest_rows(chunk.images, row))
                row += len(chunk.labels)
        size, sha256 = partial.stat().st_size, hash_file(partial)
    with _written_whole(task.digests) as partial:
        with partial.open("xb") as file:
            np.save(file, sort_digests(np.concatenate(digests)))
        digests_sha256 = hash_file(partial)
    shard = Shard(task, size, sha256, digests_sha256, arrow_bytes, tally)
    with _written_whole(task.sidecar) as partial:
        partial.write_text(sidecar_text(shard), encoding="utf-8")


def _keep_freed_memory() -> None:
    """Make the allocator keep the memory of a chunk for the next one.

    The GNU C library keeps freed memory up to twice the size of the largest array freed so far. If
    it keeps too little, each chunk waits for new pages, which takes 3 % of the CPU time.
    """
    np.empty(KEPT_BYTES, np.uint8)


@contextlib.contextmanager
def _written_whole(path: Path) -> Iterator[Path]:
    """Yield the path of a file to write, which afterwards replaces `path`.

    The name is unique, as a machine that was given up for lost may still be writing.
    """
    partial = path.with_name(f"{path.name}.{uuid.uuid4().hex}{INCOMPLETE}")
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        if error.errno is None:
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
