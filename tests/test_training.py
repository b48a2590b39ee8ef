"""Every way to read the rows trains the same network; how fast it does is not asserted."""

import importlib.util
import os
import shutil
import sys

import numpy as np
import pytest
from conftest import run, write_split

from mnist_tools.commands import benchmark as command
from mnist_tools.commands.benchmark import benchmark_training
from mnist_tools.training import Epoch, Training

OURS = ["mnist_family, arrays", "mnist_family, with_transform", "mnist_family, streaming"]
OTHERS = {"torchvision", "Keras", "TensorFlow Datasets"}


def needs(module):
    missing = importlib.util.find_spec(module) is None
    return pytest.mark.skipif(missing, reason=f"needs {module}")


def write_black_and_white(folder, files=("train", "t10k")):
    """Write 1,000 rows a split that any network tells apart: 0 is black, 1 is white."""
    labels = np.arange(1000, dtype=np.uint8) % 2
    images = np.broadcast_to(labels[:, None, None] * np.uint8(255), (1000, 28, 28))
    for file in files:
        write_split(folder, file, images, labels)
    return folder


@needs("torch")
def test_each_way_trains_on_all_rows_and_learns(tmp_path):
    result = benchmark_training("mnist", write_black_and_white(tmp_path), repeats=2)
    assert result.config == "mnist"
    assert [*result.epochs][:3] == OURS
    for epoch in result.epochs.values():
        assert epoch.rows == 1000
        assert epoch.accuracy == 1
        assert epoch.opening_seconds > 0
        assert epoch.training_seconds > 0
    assert {*result.epochs, *result.unusable} == {*OURS, *OTHERS}


@needs("torch")
def test_a_library_that_cannot_read_the_rows_says_why(tmp_path, monkeypatch):
    for module in ("torchvision", "tensorflow_datasets"):
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    halted = "ModuleNotFoundError: import of {} halted; None in sys.modules"
    folder = write_black_and_white(tmp_path / "archives")
    cache = tmp_path / "keras" / "datasets"
    for name, reason in {
        "mnist": f"mnist.npz not in {cache}; Keras would download it",
        "fashion": f"fashion-mnist/train-images-idx3-ubyte.gz not in {cache}; "
        "Keras would download it",
        "kmnist": "Keras has no reader for it",
    }.items():
        assert benchmark_training(name, folder, repeats=1).unusable == {
            "torchvision": halted.format("torchvision"),
            "Keras": reason,
            "TensorFlow Datasets": halted.format("tensorflow_datasets"),
        }


@needs("torch")
@needs("keras")
def test_keras_reads_the_files_in_its_own_folder(tmp_path):
    folder = write_black_and_white(tmp_path / "archives")
    shutil.copytree(folder, tmp_path / "keras" / "datasets" / "fashion-mnist")
    code = f"""
from pathlib import Path
from mnist_tools.commands.benchmark import benchmark_training
print(benchmark_training("fashion", Path({str(folder)!r}), repeats=1).epochs["Keras"].accuracy)
"""
    environment = {**os.environ, "KERAS_HOME": str(tmp_path / "keras")}
    assert run(["-c", code], env=environment, check=True).stdout == "1.0\n"


@needs("torch")
def test_the_number_of_threads_is_given_back(tmp_path):
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    benchmark_training("mnist", write_black_and_white(tmp_path), repeats=1)
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


def refusal(*arguments, **options):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (callers compare the whole message)
        benchmark_training(*arguments, **options)
    return str(caught.value)


def test_without_pytorch_one_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert refusal("mnist", tmp_path) == (
        "--train: PyTorch is not installed, expected it; pip install torch"
    )
    assert refusal("mnist", tmp_path, repeats=0) == (
        "--repeats 0: too few, expected 1 or more; correct it"
    )


@needs("torch")
def test_a_split_or_a_label_that_is_missing_is_one_line(tmp_path):
    train = write_black_and_white(tmp_path / "train", ["train"])
    assert refusal("mnist", train) == (
        f"{train}: no test split, expected train and test; give another folder"
    )
    unlabelled = write_black_and_white(tmp_path / "unlabelled")
    write_split(unlabelled, "t10k", np.zeros((2, 28, 28), np.uint8), np.array([0, 255], np.uint8))
    assert refusal("mnist", unlabelled) == (
        f"{unlabelled}: test rows without a label, expected a label for each row; "
        "give another folder"
    )


def test_one_table_shows_each_way(monkeypatch, tmp_path, capsys):
    epochs = {
        "mnist_family, arrays": Epoch(0.21, 1.0, 60000, 0.9512),
        "torchvision": Epoch(0.5, 4.0, 60000, 0.95),
    }
    result = Training("mnist", epochs, {"Keras": "ModuleNotFoundError: No module named 'keras'"})
    monkeypatch.setattr(command, "benchmark_training", lambda *_, **__: result)
    assert command.run("mnist", tmp_path, 3, False, True, False, False, []) == 0
    assert capsys.readouterr().out.splitlines()[2:] == [
        "| one epoch of mnist | to open, s | images per second | speed | accuracy |",
        "|---|---|---|---|---|",
        "| mnist_family, arrays | 0.2 | 60,000 | 1.00 | 95.1% |",
        "| torchvision | 0.5 | 15,000 | 0.25 | 95.0% |",
        "| Keras | not usable here: ModuleNotFoundError: No module named 'keras' | | | |",
    ]
