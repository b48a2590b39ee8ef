"""Shards written by a Ray cluster: the bytes of one process, also when a node dies."""

import functools
import os
import sys
from pathlib import Path

import pytest
from conftest import pictures
from shard_plans import NAMES, ONE, SMALL, contents, make_source

from mnist_tools.shards.engines import choose_engine
from mnist_tools.shards.on_ray import write_on_ray
from mnist_tools.shards.run import write_datasets

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install -e .[ray]")
pytestmark = pytest.mark.ray


@pytest.fixture(scope="module")
def cluster():
    """Two nodes on this machine, each with one core; this process is connected to them."""
    from ray.cluster_utils import Cluster

    os.environ["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] = "0"
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        ray.init(address=cluster.address, log_to_driver=False)
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()


def write_once_killed(tasks, kill):
    """Write tasks on the cluster; after the first is finished, kill a node."""
    for number, task in enumerate(write_on_ray(tasks)):
        if number == 0:
            kill()
        yield task


def test_a_cluster_of_which_a_node_dies_writes_the_bytes_of_one_process(tmp_path, cluster):
    node = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    source = make_source(tmp_path / "rows")
    kill = functools.partial(cluster.remove_node, node, allow_graceful=False)
    engine = functools.partial(write_once_killed, kill=kill)
    written = write_datasets(tmp_path / "cluster", [source], SMALL, engine)
    assert len(written.shards["digits"]["train"]) > 5
    write_datasets(tmp_path / "one", [source], SMALL, ONE)
    assert contents(tmp_path / "cluster") == contents(tmp_path / "one")


def test_a_wrong_row_is_told_as_the_loader_tells_it(tmp_path, cluster):
    source = make_source(tmp_path / "rows", names=NAMES)
    (tmp_path / "rows" / "train-images-idx3-ubyte").touch()  # other than verified
    write_at_once = functools.partial(_write_unsampled, images=pictures(1500, 1))
    with pytest.raises(ValueError, match="digits: .*changed, it or its labels, expected"):
        write_at_once(tmp_path / "shards", source)


def _write_unsampled(folder, source, images):
    assert len(images) == 1500
    write_datasets(folder, [source], 10 * len(images) * 784, choose_engine("ray"))


def test_a_cluster_that_there_is_not_is_one_line(tmp_path):
    code = """
import sys
from mnist_tools import cli
arguments = ["out", "fashion", "--sample", "--engine", "ray", "--address", "127.0.0.1:1"]
cli.main("build", arguments)
"""
    import subprocess

    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    finished = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 1
    last = finished.stderr.splitlines()[-1]
    assert last.startswith("--address 127.0.0.1:1: ")
    assert last.endswith("expected a Ray cluster; start one with ray start --head")
    assert not [*Path(tmp_path).iterdir()]
