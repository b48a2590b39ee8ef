"""The engines that write shards: processes of this machine, or a Ray cluster."""

import functools
import os

from mnist_family import fault
from mnist_tools.shards.local import write_locally
from mnist_tools.shards.on_ray import write_on_ray
from mnist_tools.shards.run import Engine


def choose_engine(
    engine: str | Engine, *, num_proc: int | None = None, address: str | None = None
) -> Engine:
    """Return the engine "local" or "ray", or the function that the caller gave.

    `num_proc` is by default the number of cores. ValueError for another name, and for an option
    that belongs to another engine.
    """
    if callable(engine):
        if num_proc is not None or address is not None:
            found = "a function, given with num_proc or address"
            raise fault("engine", found, "the function alone", "leave them out")
        return engine
    if num_proc is not None and num_proc < 1:
        raise fault(f"--num-proc {num_proc}", "too few", "1 or more", "correct it")
    if engine == "ray":
        if num_proc is not None:
            found = "given with --engine ray"
            raise fault(f"--num-proc {num_proc}", found, "the local engine", "leave it out")
        return functools.partial(write_on_ray, address=address)
    if engine != "local":
        raise fault(f"--engine {engine}", "no such engine", "local or ray", "correct it")
    if address is not None:
        raise fault(f"--address {address}", "given without --engine ray", "both", "add the engine")
    return functools.partial(write_locally, num_proc=num_proc or count_cores())


def count_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
