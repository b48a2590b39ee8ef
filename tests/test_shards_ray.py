"""Shards written by a Ray cluster: the bytes of one process, also when a node dies."""

import dataclasses
import functools
import os

import pytest
from conftest import run
from shard_plans import ONE, SMALL, contents, make_plan, make_source

from mnist_tools.shards.on_ray import write_on_ray
from mnist_tools.shards.run import write_datasets

try:
    import ray
    from ray.cluster_utils import Cluster
except ModuleNotFoundError:
    ray = None
pytestmark = pytest.mark.ray
needs_ray = pytest.mark.skipif(ray is None, reason="Ray is not installed: pip install -e .[ray]")

HERE = {"num_cpus": 1, "node_ip_address": "127.0.0.1"}


@pytest.fixture(scope="module")
def cluster():
    """A node of one core on this machine, to which this process is connected; others join it."""
    with pytest.MonkeyPatch.context() as patch:
        # The processes of a cluster ask for the machine's address, which the tests refuse.
        patch.setenv("MNIST_FAMILY_NETWORK", "1")
        head = {**HERE, "include_dashboard": False}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        try:
            ray.init(address=cluster.address, log_to_driver=False)
            yield cluster
        finally:
            ray.shutdown()
            cluster.shutdown()


def write_and_kill(tasks, kill):
    """Write tasks on the cluster; kill a node after the first is finished."""
    for number, task in enumerate(write_on_ray(tasks)):
        if number == 0:
            kill()
        yield task


@needs_ray
def test_a_cluster_that_loses_a_node_writes_the_bytes_of_one_process(tmp_path, cluster):
    node = cluster.add_node(**HERE)
    cluster.wait_for_nodes()
    source = make_source(tmp_path / "rows")
    kill = functools.partial(cluster.remove_node, node, allow_graceful=False)
    written = write_datasets(
        tmp_path / "cluster", [source], SMALL, functools.partial(write_and_kill, kill=kill)
    )
    assert len(written.shards["digits"]["train"]) > 5
    write_datasets(tmp_path / "one", [source], SMALL, ONE)
    assert contents(tmp_path / "cluster") == contents(tmp_path / "one")


@needs_ray
def test_a_wrong_row_is_told_as_the_loader_tells_it(tmp_path, cluster):
    tasks = make_plan(tmp_path)
    few = dataclasses.replace(tasks[1].split, num_classes=3)
    tasks[1] = dataclasses.replace(tasks[1], split=few)
    with pytest.raises(ValueError, match="digits: .*: label .*, expected 0 to 2; name every class"):
        [*write_on_ray(tasks)]


@needs_ray
def test_a_cluster_that_there_is_not_is_one_line(tmp_path):
    code = """
from mnist_tools import cli
arguments = ["out", "fashion", "--sample", "--engine", "ray", "--address", "127.0.0.1:1"]
cli.main("build", arguments)
"""
    finished = run(
        ["-c", code], cwd=tmp_path, env={**os.environ, "RAY_gcs_rpc_server_connect_timeout_s": "1"}
    )
    assert finished.returncode == 1
    last = finished.stderr.splitlines()[-1]
    assert last.startswith("--address 127.0.0.1:1: ")
    assert last.endswith("expected a Ray cluster; start one with ray start --head")
    assert not [*tmp_path.iterdir()]


@pytest.mark.skipif(ray is not None, reason="Ray is installed")
def test_without_ray_one_line_says_how_to_install_it(tmp_path):
    with pytest.raises(ValueError, match="expected") as caught:
        [*write_on_ray(make_plan(tmp_path))]
    assert str(caught.value) == (
        "--engine ray: Ray is not installed, expected the package ray; run pip install "
        '"mnist_family[ray]"'
    )
