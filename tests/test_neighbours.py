"""Neighbours are those of a plain search, one test image after the other, however it is blocked."""

import numpy as np
import pytest
from conftest import numbers, pictures, write_split

import mnist_family
from mnist_tools.cards import neighbours
from mnist_tools.cards.neighbours import find_neighbours
from mnist_tools.commands.measure import measure

CLASSES = 10
TRAIN = pictures(60, 1), numbers(60, 1)
TEST = pictures(20, 2), numbers(20, 2)
TEST[0][4] = TRAIN[0][5]  # equal images,
TEST[0][6] = TRAIN[0][9]
TRAIN[0][[3, 7]] = TRAIN[0][5]  # also several with different labels
TRAIN[1][[3, 5, 7]] = 8, 2, 2
TEST[0][9] = TRAIN[0][50] = 0  # no ink
TEST[0][10] = TRAIN[0][20] // 2  # the same direction, at a distance
TEST[1][10] = (TRAIN[1][20] + 1) % CLASSES


@pytest.fixture
def splits(tmp_path):
    def write(train=TRAIN, test=TEST, class_names=None):
        folder = write_split(tmp_path / "archives", "train", *train)
        write_split(folder, "test", *test)
        if class_names:
            (folder / "labels.txt").write_text("\n".join(class_names))
        verified = mnist_family.verified_splits("mnist", folder)
        return verified["train"], verified["test"]

    return write


def plain_guesses(k, train=TRAIN, test=TEST, weighted=True):
    """Yield the guess of k-NN with votes of 1 / distance, or equal votes, for each test image."""
    points = train[0].reshape(-1, 784).astype(int)
    for image in test[0].reshape(-1, 784).astype(int):
        squares = ((points - image) ** 2).sum(1)
        nearest = np.argsort(squares, kind="stable")[:k]
        votes = np.zeros(CLASSES)
        for row in nearest:
            if not weighted:
                votes[train[1][row]] += 1
            elif squares[nearest[0]] == 0:
                votes[train[1][row]] += squares[row] == 0
            else:
                votes[train[1][row]] += 1 / np.sqrt(squares[row])
        yield votes.argmax()


def plain_cosines():
    points, images = (arrays[0].reshape(-1, 784).astype(float) for arrays in (TRAIN, TEST))
    lengths = np.outer(np.linalg.norm(images, axis=1), np.linalg.norm(points, axis=1))
    with np.errstate(invalid="ignore"):
        return np.nan_to_num(images @ points.T / lengths)


def test_knn_is_that_of_a_plain_search(splits):
    found = find_neighbours(*splits())
    truth = TEST[1]
    assert [knn.k for knn in found.knn] == [1, 4]
    for knn in found.knn:
        right = np.array([*plain_guesses(knn.k)]) == truth
        assert knn.accuracy_percent == round(100 * right.mean(), 2)
        uniform = np.array([*plain_guesses(knn.k, weighted=False)]) == truth
        assert knn.uniform_accuracy_percent == round(100 * uniform.mean(), 2)
        assert knn.errors.first_half == (~right[:10]).sum()
        assert knn.errors.second_half == (~right[10:]).sum()
        assert knn.class_accuracy_percent == tuple(
            round(100 * right[truth == label].mean(), 1) for label in range(CLASSES)
        )


def test_confusions_are_the_most_frequent_errors_in_order(splits):
    found = find_neighbours(*splits())
    for knn in found.knn:
        pairs = [
            (int(truth), int(guess))
            for truth, guess in zip(TEST[1], plain_guesses(knn.k), strict=True)
            if truth != guess
        ]
        expected = sorted({*pairs}, key=lambda pair: (-pairs.count(pair), pair))[:4]
        assert [(each.label, each.taken_for) for each in knn.confusions] == expected
        assert [each.rows for each in knn.confusions] == [pairs.count(pair) for pair in expected]


def test_cosines_are_those_of_a_plain_search(splits):
    found, cosines = find_neighbours(*splits()), plain_cosines()
    other = TRAIN[1][cosines.argmax(1)] != TEST[1]
    assert [each.at_least for each in found.cosine] == [0.99, 0.995, 0.999]
    for each in found.cosine:
        alike = cosines.max(1) >= each.at_least
        assert (each.rows, each.other_label) == (alike.sum(), (alike & other).sum())
    assert found.cosine[0].other_label > 0


def test_the_closest_pairs_come_first(splits):
    closest, cosines = find_neighbours(*splits()).closest, plain_cosines()
    assert len(closest) == 10
    assert [(each.test, each.train) for each in closest[:3]] == [(4, 3), (6, 9), (10, 20)]
    highest = np.sort(cosines.max(1))[::-1][:10]
    assert [each.cosine for each in closest] == [round(float(each), 5) for each in highest]
    for each in closest:
        assert each.train == cosines[each.test].argmax()


@pytest.mark.parametrize(("train_block", "test_block"), [(7, 3), (1, 20), (60, 1), (59, 19)])
def test_blocks_do_not_change_the_result(splits, monkeypatch, train_block, test_block):
    pair = splits()
    whole = find_neighbours(*pair)
    monkeypatch.setattr(neighbours, "TRAIN_BLOCK", train_block)
    monkeypatch.setattr(neighbours, "TEST_BLOCK", test_block)
    assert find_neighbours(*pair) == whole


def test_neighbours_at_equal_distances_are_the_first_rows(splits):
    """Eight training images at the same distance: of the first four, three vote for class 1."""
    images = np.zeros((8, 28, 28), np.uint8)
    images[np.arange(8), 0, np.arange(8)] = 100
    labels = np.array([0, 1, 1, 1, 0, 0, 0, 0], np.uint8)
    test = np.zeros((2, 28, 28), np.uint8), np.array([0, 1], np.uint8)
    found = find_neighbours(*splits((images, labels), test))
    assert [knn.class_accuracy_percent[:2] for knn in found.knn] == [(100.0, 0.0), (0.0, 100.0)]


def test_a_tie_of_votes_goes_to_the_lower_label(splits):
    images = np.zeros((4, 28, 28), np.uint8)
    images[np.arange(4), 0, np.arange(4)] = 100
    labels = np.array([7, 3, 7, 3], np.uint8)
    test = np.zeros((1, 28, 28), np.uint8), np.array([3], np.uint8)
    assert find_neighbours(*splits((images, labels), test)).knn[1].accuracy_percent == 100


def test_classes_that_test_lacks_can_be_guessed_and_have_no_accuracy(splits):
    """The only training class, 9, is higher than any that test has."""
    train = TRAIN[0], np.full(60, 9, np.uint8)
    test = TEST[0], np.full(20, 2, np.uint8)
    for knn in find_neighbours(*splits(train, test)).knn:
        assert knn.class_accuracy_percent == (None, None, 0.0, *[None] * 7)
        assert [(each.label, each.taken_for, each.rows) for each in knn.confusions] == [(2, 9, 20)]


def test_unlabelled_rows_neither_vote_nor_count(splits):
    """They are still compared: an unlabelled image may be the closest, but has no other label."""
    train_labels, test_labels = TRAIN[1].copy(), TEST[1].copy()
    train_labels[[3, 9, 20]] = 255
    test_labels[[0, 15]] = 255
    train, test = (TRAIN[0], train_labels), (TEST[0], test_labels)
    found = find_neighbours(*splits(train, test))
    kept_train, kept_test = train_labels != 255, test_labels != 255
    train = TRAIN[0][kept_train], TRAIN[1][kept_train]
    test = TEST[0][kept_test], TEST[1][kept_test]
    for knn in found.knn:
        right = np.array([*plain_guesses(knn.k, train, test)]) == test[1]
        assert knn.accuracy_percent == round(100 * right.mean(), 2)
        assert knn.errors.first_half == (~right[:9]).sum()
    assert [(each.test, each.train) for each in found.closest[:3]] == [(4, 3), (6, 9), (10, 20)]
    assert [each.other_label for each in found.cosine] == [0, 0, 0]


def test_an_unlabelled_test_row_has_no_other_label(splits):
    test_labels = TEST[1].copy()
    test_labels[10] = 255
    labelled, unlabelled = (
        find_neighbours(*splits(TRAIN, (TEST[0], labels))).cosine[2]
        for labels in (TEST[1], test_labels)
    )
    assert (labelled.rows, unlabelled.rows) == (3, 3)
    assert labelled.other_label == unlabelled.other_label + 1


def test_only_equal_images_vote_where_there_are_some(splits):
    """Two equal images tie; a third neighbour, near by, is not asked to decide."""
    images = np.zeros((4, 28, 28), np.uint8)
    images[2:, 0, 0] = 1, 200
    train = images, np.array([8, 2, 8, 8], np.uint8)
    test = np.zeros((1, 28, 28), np.uint8), np.array([2], np.uint8)
    assert find_neighbours(*splits(train, test)).knn[1].accuracy_percent == 100


def test_own_classes_are_compared_too(splits):
    train, test = (TRAIN[0], TRAIN[1] % 3), (TEST[0], TEST[1] % 3)
    found = find_neighbours(*splits(train, test, class_names=("a", "b", "c")))
    assert [len(knn.class_accuracy_percent) for knn in found.knn] == [3, 3]


@pytest.mark.parametrize(
    ("train_labels", "test_labels", "split", "found", "needed"),
    [
        ([3, 4], [1] * 20, "train", "2 labelled train rows", 4),
        ([255] * 60, [1] * 20, "train", "0 labelled train rows", 4),
        ([1] * 3 + [255] * 57, [1] * 20, "train", "3 labelled train rows", 4),
        ([1] * 60, [255] * 20, "test", "0 labelled test rows", 1),
    ],
)
def test_too_few_labels_are_one_line(splits, train_labels, test_labels, split, found, needed):
    train = TRAIN[0][: len(train_labels)], np.array(train_labels, np.uint8)
    test = TEST[0], np.array(test_labels, np.uint8)
    pair = splits(train, test)
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the whole message is compared below)
        find_neighbours(*pair)
    labels = next(each.labels for each in pair if each.name == split)
    assert str(caught.value) == (
        f"{labels}: {found}, expected at least {needed} to compare neighbours; "
        "measure without --neighbours"
    )


def test_four_labelled_rows_are_enough(splits):
    train = TRAIN[0][:4], TRAIN[1][:4]
    test = TEST[0][:1], TEST[1][:1]
    assert [knn.k for knn in find_neighbours(*splits(train, test)).knn] == [1, 4]


def test_more_pairs_than_can_be_compared_are_refused_before_a_row_is_read(tmp_path, monkeypatch):
    write_split(tmp_path, "train", pictures(20, 1), numbers(20, 1))
    write_split(tmp_path, "t10k", pictures(5, 2), numbers(5, 2))
    monkeypatch.setattr("mnist_tools.cards.neighbours.MOST_PAIRS", 99)
    monkeypatch.setattr("mnist_family.read_chunks", None)  # calling it would fail
    with pytest.raises(ValueError, match="expected") as caught:
        measure(str(tmp_path), neighbours=True)
    assert str(caught.value) == (
        "--neighbours: 20 training × 5 test images, 100 pairs to compare, expected at most 99 "
        "pairs, about half an hour on two cores; measure a part of the rows, or leave --neighbours "
        "out"
    )
