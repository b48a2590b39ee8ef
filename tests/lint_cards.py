"""A correct card for the tests of lint, ways to make it wrong, and its findings."""

from mnist_tools.lint import findings

CARD = """\
---
pretty_name: Digits
license: mit
language:
- en
task_categories:
- image-classification
task_ids:
- multi-class-image-classification
size_categories:
- 1K<n<10K
annotations_creators:
- expert-generated
language_creators:
- found
multilinguality:
- monolingual
source_datasets:
- original
tags:
- image
configs:
- config_name: digits
  data_files:
  - split: train
    path: digits/train-*
  - split: test
    path: digits/test-*
  default: true
- config_name: letters
  data_files:
  - split: train
    path:
    - letters/train-*
dataset_info:
- config_name: digits
  features:
  - name: image
    dtype: image
  - name: label
    dtype:
      class_label:
        names:
          '0': zero
          '1': one
  splits:
  - name: train
    num_bytes: 700
    num_examples: 7
  - name: test
    num_bytes: 300
    num_examples: 3
  download_size: 900
  dataset_size: 1000
- config_name: letters
  splits:
  - name: train
    num_examples: 5
---

# Digits
"""


def findings_of(folder, text):
    """Return the findings of a card with this text, each without the path of the card."""
    path = folder / "card.md"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return [str(finding).removeprefix(f"{path}:") for finding in findings(path)]


def edited(edits):
    """Return the card with each key of `edits` replaced by its value, where it first stands."""
    text = CARD
    for before, after in edits.items():
        assert before in text, before
        text = text.replace(before, after, 1)
    return text


def in_marked_lines(text, findings):
    """Return findings with the numbers of the lines that end in `# here`, in their order."""
    lines = text.split("\n")
    numbers = [number for number, line in enumerate(lines, 1) for _ in range(line.count("# here"))]
    return [f"{number}: {finding}" for number, finding in zip(numbers, findings, strict=True)]


def cases(table):
    """Return (before, after, finding) of each edit in a table by what is expected."""
    return [
        (before, after, f"{found}, expected {rest}")
        for rest, edits in table.items()
        for before, after, found in edits
    ]
