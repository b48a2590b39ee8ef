"""Write shards on a Ray cluster."""

import contextlib
import os
import socket
from collections.abc import Iterator, Sequence
from typing import Any

from mnist_family import fault
from mnist_tools.causes import naming_dataset
from mnist_tools.shards.task import ShardTask
from mnist_tools.shards.write import write_shard

RETRIES_ON_RAY = 3  # of a shard whose node or process died
CONNECT_TIMEOUT = 10  # seconds


def write_on_ray(tasks: Sequence[ShardTask], address: str | None = None) -> Iterator[ShardTask]:
    """Write shards as tasks of a Ray cluster; yield each task when its shard is finished.

    `address` is that of a running cluster. Without it, Ray uses the one in RAY_ADDRESS, or starts
    one on this machine. All nodes need this package, and the folders of the tasks at the same path.
    """
    ray = _import_ray()
    with _connected(ray, address):
        write = ray.remote(max_retries=RETRIES_ON_RAY)(write_shard)
        pending = {write.remote(task): task for task in tasks}
        while pending:
            (done, *_), _ = ray.wait([*pending])
            task = pending.pop(done)
            with naming_dataset(task.config, task.path):
                _refuse_failure(ray, done, task)
            yield task


def _import_ray() -> Any:
    try:
        import ray
    except ModuleNotFoundError:
        remedy = 'run pip install "mnist_family[ray]"'
        raise fault("--engine ray", "Ray is not installed", "the package ray", remedy) from None
    return ray


@contextlib.contextmanager
def _connected(ray: Any, address: str | None) -> Iterator[None]:
    """Connect to a cluster, unless this process is connected already."""
    if ray.is_initialized():
        yield
        return
    _refuse_silent(address or os.environ.get("RAY_ADDRESS", ""))
    ray.init(address=address, log_to_driver=False, logging_level="warning", include_dashboard=False)
    try:
        yield
    finally:
        ray.shutdown()


def _refuse_silent(address: str) -> None:
    """Raise ConnectionError if nothing listens at HOST:PORT: Ray would ask for many minutes."""
    host, colon, port = address.rpartition("://")[2].rpartition(":")
    if not colon:
        return  # none, or a word such as auto
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_TIMEOUT).close()
    except (OSError, ValueError) as error:
        raise ConnectionError(
            f"--address {address}: {error}, expected a Ray cluster; start one with ray start --head"
        ) from None


def _refuse_failure(ray: Any, done: Any, task: ShardTask) -> None:
    """Raise the error of a task that failed, as it was raised on its node."""
    try:
        ray.get(done)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    except ray.exceptions.RayError as error:
        kind = type(error).__name__
        raise OSError(
            f"{task.path.name}: its node or process died {RETRIES_ON_RAY + 1} times ({kind}), "
            "expected a shard; look at the cluster with ray status"
        ) from None
