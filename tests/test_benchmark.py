"""The benchmark runs and prints what it measured; it asserts nothing about the figures, and neither do we."""

import subprocess
import sys

import pytest
from conftest import ROOT


def benchmark(*arguments):
    command = [sys.executable, ROOT / "scripts" / "benchmark.py", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="anonymous memory is read from Linux's /proc")
def test_every_build_and_encoder_gets_a_row(tiny):
    result = benchmark("mnist", tiny.folder("mnist"), "--repeats", "1", "--memory")
    assert result.returncode == 0, result.stderr
    for row in (
        "NumPy arrays",
        "Pillow images",
        "one constant PNG",
        "mnist_family, num_proc=2",
        "Pillow",
        "the folder",
    ):
        assert f"\n| {row} | " in result.stdout
    assert "\n| its rows ten times over | " in result.stdout


def test_a_missing_folder_is_one_line(tmp_path):
    result = benchmark("mnist", tmp_path / "none")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        f"data_dir '{tmp_path / 'none'}': no such folder, expected one that holds IDX archives; correct it"
    ]


@pytest.mark.real
def test_archives_of_another_config_are_one_line(real_archives):
    result = benchmark("fashion", real_archives / "mnist")
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert "these are MNIST's train images" in result.stderr
