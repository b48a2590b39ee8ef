"""Pictures show the rows and the means, and can be read on white and on black pages."""

import numpy as np
import PIL.Image
import PIL.ImageFont
import pytest
from conftest import numbers, pictures

from mnist_family import Chunk
from mnist_tools.cards.pictures import (
    ChosenRows,
    ChosenTile,
    Picture,
    PicturedSplit,
    Pictures,
    Row,
    RowPicture,
    write_pictures,
)
from mnist_tools.cards.sheets import (
    Tile,
    draw_examples,
    draw_means,
    draw_tiles,
    mean_images,
)
from mnist_tools.shards.tally import tally_chunk, tally_chunks

DIGITS = [str(label) for label in range(10)]
PAGES = {"white": (255, 255, 255), "the Hub's dark": (11, 15, 25), "GitHub's dark": (13, 17, 23)}


def split_of(images, labels, class_names=DIGITS):
    """A split as pictures show it; label -1 means none."""
    chunk = Chunk(np.asarray(images), np.asarray(labels, np.int64))
    tally = tally_chunk(chunk, len(class_names), 0)
    return PicturedSplit(class_names, tally, lambda rows: {row: images[row] for row in rows})


def means_of(class_names, images=None, labels=None):
    images = pictures(3, 1) if images is None else images
    labels = np.arange(len(images)) if labels is None else labels
    return draw_means(class_names, means_by_class(images, labels, class_names))


def means_by_class(images, labels, class_names):
    return mean_images(split_of(images, labels, class_names).tally)


def has(sheet, image, scale):
    """Tell whether an enlarged image is somewhere on a sheet."""
    pixels = np.asarray(sheet.convert("L"))
    tile = np.kron(image, np.ones((scale, scale), np.uint8))
    windows = np.lib.stride_tricks.sliding_window_view(pixels, tile.shape[1], axis=1)
    return any(
        np.array_equal(windows[top : top + len(tile), left], tile)
        for top, left in zip(*np.nonzero((windows == tile[0]).all(-1)), strict=True)
    )


def ink_of_captions(sheet):
    """The caption's pixels, bool (height, width): opaque or partly so, and grey."""
    pixels = np.asarray(sheet)
    return (pixels[..., 1] > 0) & (pixels[..., 0] == 121)


def test_nothing_touches_the_left_edge_of_a_sheet():
    for classes in (2, 21, 65):
        names = [f"|{label}" for label in range(classes)]
        images = [*pictures(classes, 1)]
        for sheet in (
            draw_means(names, images),
            draw_examples(names, [[image] for image in images]),
            draw_tiles([Tile([image], ["|"]) for image in images]),
        ):
            assert not np.asarray(sheet)[:, :4, 1].any()
            assert sheet.width <= 760


# --- Files ----------------------------------------------------------------------------------------


def test_files_are_written_and_described(tmp_path):
    train, test = split_of(pictures(20, 1), numbers(20, 1)), split_of(pictures(3, 2), [1] * 3)
    rows = {"train": train, "test": test}
    described = write_pictures(tmp_path, "letters", "Letters", rows)
    classes = ", ".join(DIGITS)
    assert described == Pictures(
        overview=(
            Picture("pictures/letters-overview.png", f"Letters: images of the classes {classes}"),
        ),
        examples=(
            Picture(
                "pictures/letters-examples.png", "Letters: the first train images of each class"
            ),
        ),
        means=(
            Picture(
                "pictures/letters-means.png",
                f"Letters: the mean of all train images of each class, {classes}",
            ),
        ),
        rows=tuple(
            RowPicture("train", row, f"pictures/letters-train-{row}.png") for row in range(5)
        ),
    )
    sheets = described.overview, described.examples, described.means
    files = {each.file for kind in sheets for each in kind}
    files |= {each.file for each in described.rows}
    assert {f"pictures/{path.name}" for path in (tmp_path / "pictures").iterdir()} == files


def test_row_pictures_are_the_rows(tmp_path):
    images = pictures(3, 1)
    described = write_pictures(tmp_path, "letters", "Letters", {"val": split_of(images, [0, 1, 2])})
    assert len(described.rows) == 3
    for each in described.rows:
        shown = np.asarray(PIL.Image.open(tmp_path / each.file))
        np.testing.assert_array_equal(shown, np.kron(images[each.row], np.ones((3, 3), np.uint8)))


def test_sheets_show_examples_and_means(tmp_path):
    images, labels = pictures(40, 1), numbers(40, 1)
    write_pictures(tmp_path, "letters", "Letters", {"train": split_of(images, labels)})
    sheet = PIL.Image.open(tmp_path / "pictures" / "letters-examples.png")
    assert all(has(sheet, image, 2) for image in images)
    sheet = PIL.Image.open(tmp_path / "pictures" / "letters-means.png")
    for label in range(10):
        assert has(sheet, images[labels == label].mean(0).round().astype(np.uint8), 3)


def test_examples_are_the_first_ten_of_a_class(tmp_path):
    images = pictures(13, 1)
    rows = {"train": split_of(images, [0] * 13, ["a"])}
    write_pictures(tmp_path, "letters", "Letters", rows)
    sheet = PIL.Image.open(tmp_path / "pictures" / "letters-examples.png")
    assert [has(sheet, image, 2) for image in images] == [True] * 10 + [False] * 3


def test_the_first_split_with_labels_is_shown(tmp_path):
    extra, train = split_of(pictures(9, 1), [-1] * 9), split_of(pictures(9, 2), numbers(9, 2))
    rows = {"extra": extra, "train": train}
    described = write_pictures(tmp_path, "letters", "Letters", rows)
    assert {each.split for each in described.rows} == {"train"}
    assert "the mean of all train images" in described.means[0].text


def test_rows_without_any_label_have_no_sheets(tmp_path):
    rows = {"train": split_of(pictures(2, 1), [-1, -1])}
    described = write_pictures(tmp_path, "letters", "Letters", rows)
    assert (described.overview, described.examples, described.means) == ((), (), ())
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == [
        "letters-train-0.png",
        "letters-train-1.png",
    ]


def test_the_same_rows_give_the_same_bytes(tmp_path):
    rows = {"train": split_of(pictures(20, 1), numbers(20, 1))}
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_pictures(tmp_path / name, "letters", "Letters", rows)
    for path in (tmp_path / "a" / "pictures").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / "pictures" / path.name).read_bytes()


# --- Chosen rows ----------------------------------------------------------------------------------


def chosen(*rows):
    tile = ChosenTile(tuple(Row(*row) for row in rows), ("two lines", "of a caption"))
    return ChosenRows("odd", "odd ones", (tile, tile))


def test_chosen_rows_are_drawn_side_by_side(tmp_path):
    images = pictures(9, 1)
    rows = {"train": split_of(images[:5], [0] * 5), "test": split_of(images[5:], [1] * 4)}
    described = write_pictures(
        tmp_path, "letters", "Letters", rows, [chosen(("test", 3), ("train", 2))]
    )
    picture = Picture("pictures/letters-odd.png", "Letters: odd ones")
    assert described.chosen == {"odd": picture}
    sheet = PIL.Image.open(tmp_path / picture.file)
    assert [has(sheet, image, 2) for image in images] == [each in (2, 8) for each in range(9)]


def test_chosen_rows_of_a_split_that_was_not_built_are_left_out(tmp_path):
    rows = {"test": split_of(pictures(3, 1), [0] * 3)}
    described = write_pictures(
        tmp_path, "letters", "Letters", rows, [chosen(("test", 1), ("train", 2))]
    )
    assert described.chosen == {}
    assert not (tmp_path / "pictures" / "letters-odd.png").exists()


def test_a_chosen_row_that_there_is_not_is_one_line(tmp_path):
    rows = {"test": split_of(pictures(3, 1), [0] * 3)}
    message = "pictures of test: no row 3, expected one below 3; correct the facts"
    with pytest.raises(ValueError, match=f"^{message}$"):
        write_pictures(tmp_path, "letters", "Letters", rows, [chosen(("test", 3))])


def test_tiles_of_any_number_and_length_fit_a_card():
    image = np.full((28, 28), 200, np.uint8)
    for count in (1, 4, 5, 6, 15):
        sheet = draw_tiles([Tile([image, image], [LONG, "short"])] * count)
        assert sheet.width <= 760
        assert (np.asarray(sheet)[..., 0] == 200).sum() == count * 2 * 56 * 56
        captions = ink_of_captions(sheet)
        assert captions.any()
        assert not captions[:, -1].any()
        assert not captions[-1].any()


def test_many_classes_are_shown_in_part_at_the_top(tmp_path):
    names = [f"name {label}" for label in range(47)]
    images = pictures(47, 1)
    described = write_pictures(
        tmp_path, "letters", "Letters", {"train": split_of(images, range(47), names)}
    )
    (overview,) = described.overview
    assert overview.text == "Letters: images of the classes name 0 to name 39 of 47"
    sheet = PIL.Image.open(tmp_path / overview.file)
    assert sheet.width <= 760
    assert [has(sheet, image, 2) for image in images] == [True] * 40 + [False] * 7


# --- Means ----------------------------------------------------------------------------------------


def test_means_are_those_of_numpy_whatever_the_chunks():
    images, labels = pictures(40, 1), numbers(40, 1).astype(int)
    labels[:3] = -1
    chunks = [Chunk(images[i : i + 7], labels[i : i + 7]) for i in range(0, 40, 7)]
    for label, mean in enumerate(mean_images(tally_chunks(chunks, 10))):
        expected = images[labels == label].mean(0).round().astype(np.uint8)
        np.testing.assert_array_equal(mean, expected)


def test_a_class_without_rows_has_no_mean_and_an_empty_place():
    images = np.full((1, 28, 28), 255, np.uint8)
    first, second = means_by_class(images, [1], ["0", "1"])
    assert first is None
    np.testing.assert_array_equal(second, images[0])
    sheet = means_of(["0", "1"], images, np.array([1]))
    edge, width = 4, sheet.width // 2
    assert not np.asarray(sheet)[:84, :width, 1].any()
    assert np.asarray(sheet)[:84, edge + width : edge + width + 84, 1].all()


# --- Legible --------------------------------------------------------------------------------------


def luminance(colour):
    channels = np.asarray(colour) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("page", PAGES)
def test_captions_have_contrast_on_every_page(page):
    """As WCAG computes it; 3 : 1 is asked for large letters, 4.5 : 1 for small ones."""
    sheet = means_of(["T-shirt/top", "Bag", "Coat"]).convert("RGBA")
    background = PIL.Image.new("RGBA", sheet.size, PAGES[page])
    background.alpha_composite(sheet)
    captions = np.asarray(background.convert("RGB"))[84:102]
    contrasts = [
        (max(pair) + 0.05) / (min(pair) + 0.05)
        for pair in ((luminance(each), luminance(PAGES[page])) for each in captions.reshape(-1, 3))
    ]
    assert 4.2 < max(contrasts) < 5


def test_a_sheet_is_transparent_around_images_and_captions():
    sheet = np.asarray(means_of(["0", "1", "2"]))
    assert sheet[-1, -1, 1] == 0
    assert sheet[:84, 88:94, 1].max() == 0
    assert sheet[:84, 4:88, 1].min() == 255


LONG = "a very long name that no sheet has room for, of the class "


@pytest.mark.parametrize("classes", [1, 2, 10, 20, 21, 47, 64, 65, 256])
@pytest.mark.parametrize("name", ["", LONG])
def test_sheets_fit_a_card_for_up_to_256_classes(classes, name):
    """No picture covers another or a caption, and none is cut off."""
    names = [f"{name}{label}" for label in range(classes)]
    images = np.full((classes, 28, 28), 200, np.uint8)
    means = means_of(names, images, np.arange(classes))
    scale = 3 if classes <= 20 else 2
    examples = draw_examples(names, [[image] for image in images])
    for sheet, size in ((means, scale), (examples, 2 if classes <= 64 else 1)):
        assert sheet.width <= 760
        assert sheet.height <= 2100
        shown = np.asarray(sheet)[..., 0] == 200
        assert shown.sum() == classes * (28 * size) ** 2
        captions = ink_of_captions(sheet)
        assert captions.any()
        assert not captions[:, -1].any()
        assert not captions[-1].any()


def test_every_class_has_a_caption_of_its_own():
    """256 captions: below each image, the letters are unlike those below any other."""
    names = [f"{LONG}{label}" for label in range(256)]
    sheet = means_of(names, np.zeros((256, 28, 28), np.uint8), np.arange(256))
    pixels = np.asarray(sheet)[..., 1]
    width, height = sheet.width // 11, sheet.height // 24
    captions = {
        pixels[
            line * height + 56 : (line + 1) * height, place * width : (place + 1) * width
        ].tobytes()
        for line in range(24)
        for place in range(11)
    }
    assert len(captions) == 256 + 1  # the last line has empty places


@pytest.mark.parametrize(
    ("name", "shown_as"),
    [("é", "e"), ("Übung", "Ubung"), ("か", None), ("中文", None), ("a\nb", None), ("a\tb", None)],
)
def test_names_that_the_font_lacks_are_shown_as_far_as_it_can(name, shown_as):
    """Accents go; for other writings the label stands alone."""
    found, expected = means_of(["0", "1", "2", name]), means_of(["0", "1", "2", shown_as or "3"])
    np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))


def test_a_pillow_without_fonts_is_one_line(monkeypatch):
    monkeypatch.setattr(PIL.ImageFont, "load_default", lambda size: PIL.ImageFont.ImageFont())
    with pytest.raises(OSError) as caught:  # noqa: PT011 (the whole message is compared below)
        means_of(["0", "1", "2"])
    assert (
        str(caught.value)
        == "Pillow: no FreeType support, expected FreeType; install Pillow from PyPI"
    )
