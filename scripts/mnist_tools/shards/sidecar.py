"""The sidecar of a shard: what it holds, so that nobody has to read it again."""

import dataclasses
import hashlib
import json
from typing import Any

from mnist_tools.manifest import hash_file
from mnist_tools.shards.tally import Tally, tally_from_json, tally_to_json
from mnist_tools.shards.task import ShardTask


@dataclasses.dataclass(frozen=True)
class Shard:
    """What a finished shard holds.

    `bytes` and `sha256` are those of the file, `digests_sha256` that of the file of digests;
    `arrow_bytes` is the size of its Arrow table, uncompressed.
    """

    task: ShardTask
    bytes: int
    sha256: str
    digests_sha256: str
    arrow_bytes: int
    tally: Tally


def sidecar_text(shard: Shard) -> str:
    """Return the text of a shard's sidecar, which holds a digest of its own content."""
    content = {
        "fingerprint": shard.task.fingerprint,
        "bytes": shard.bytes,
        "sha256": shard.sha256,
        "digests_sha256": shard.digests_sha256,
        "arrow_bytes": shard.arrow_bytes,
        "tally": tally_to_json(shard.tally),
    }
    return _compact_json({"digest": _digest(content), "content": content})


def _digest(content: Any) -> str:
    return hashlib.sha256(_compact_json(content).encode()).hexdigest()


def _compact_json(content: Any) -> str:
    return json.dumps(content, separators=(",", ":"))


def read_sidecar(task: ShardTask) -> Shard | None:
    """Read the sidecar of a task's shard; None if there is none, or if it describes other rows.

    A sidecar that was changed counts as missing.
    """
    try:
        sidecar = json.loads(task.sidecar.read_text(encoding="utf-8"))
        content = sidecar["content"]
        if sidecar["digest"] != _digest(content) or content["fingerprint"] != task.fingerprint:
            return None
        return _shard_of(task, content)
    except (FileNotFoundError, ValueError, LookupError, TypeError):
        return None


def _shard_of(task: ShardTask, content: dict[str, Any]) -> Shard:
    return Shard(
        task=task,
        bytes=content["bytes"],
        sha256=content["sha256"],
        digests_sha256=content["digests_sha256"],
        arrow_bytes=content["arrow_bytes"],
        tally=tally_from_json(content["tally"]),
    )


def find_fault(shard: Shard) -> str | None:
    """Say how the files of a shard differ from its sidecar, or return None."""
    path = shard.task.path
    if not path.is_file():
        return "missing"
    size = path.stat().st_size
    if size != shard.bytes:
        return f"{size:,} bytes instead of {shard.bytes:,}"
    if hash_file(path) != shard.sha256:
        return "changed"
    digests = shard.task.digests
    if not digests.is_file() or hash_file(digests) != shard.digests_sha256:
        return f"{digests.name} is missing or changed"
    return None
