"""Write shards on a Ray cluster."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from mnist_family import fault
from mnist_tools.causes import naming_dataset
from mnist_tools.shards.task import ShardTask
from mnist_tools.shards.write import write_shard

RETRIES_ON_RAY = 3  # of a shard whose node or process died


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
    try:
        ray.init(
            address=address, log_to_driver=False, logging_level="warning", include_dashboard=False
        )
    except ConnectionError as error:
        found = " ".join(str(error).split())
        raise ConnectionError(
            f"--address {address}: {found}, expected a Ray cluster; start one with ray start --head"
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


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
