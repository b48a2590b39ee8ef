"""Folders of images: what counts as a row and a class, and what others make of ours."""

import io
import os
import pathlib
import re
import shutil
import struct
import zlib

import datasets
import numpy as np
import PIL.Image
import pytest
from conftest import numbers, pictures
from sources import ODD_NAMES, assert_holds, memory_limit, read_source, refusal, write_idx_source

import mnist_family
from mnist_tools.commands.convert import convert
from mnist_tools.formats.class_folders import class_name, folder_name
from mnist_tools.formats.png import decode_plain_png
from mnist_tools.formats.source import open_source

IMAGES = pictures(6, 1)
LABELS = np.array([0, 0, 0, 1, 1, 1])


@pytest.fixture
def source(tmp_path):
    """Two splits with names that repeat in each class, as in ImageNet's folders."""
    for row, image in enumerate(IMAGES):
        for split in ("train", "val"):
            save(image, tmp_path / "source" / split / f"n0{row // 3}" / f"img_{row % 3}.png")
    return tmp_path / "source"


def save(image, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(image).save(path)


def test_splits_are_folders_of_classes(source):
    splits = {"train": (IMAGES, LABELS), "val": (IMAGES, LABELS)}
    assert_holds(source, splits, ["n00", "n01"])


def test_classes_alone_are_one_split(source):
    for litter in (".DS_Store", "Thumbs.db", "._img_0.png"):
        (source / "train" / "n00" / litter).write_bytes(b"litter")
    (source / "train" / "__MACOSX").mkdir()
    (source / "train" / "__MACOSX" / "a.png").write_bytes(b"litter")
    assert_holds(source / "train", {"train": (IMAGES, LABELS)}, ["n00", "n01"])


def test_the_folder_of_a_split_is_that_split(source):
    (images, labels), *_ = read_source(source)[0].values()
    (source / "train").rename(source / "test")
    assert_holds(source / "test", {"test": (images, labels)}, read_source(source)[1])


@pytest.mark.parametrize("folders", ["train test", "0/train 0/test 1/train"])
def test_folders_of_splits_are_no_classes(tmp_path, source, folders):
    image = next(source.glob("train/*/*.png"))
    for folder in folders.split():
        (tmp_path / "flat" / folder).mkdir(parents=True)
        shutil.copy(image, tmp_path / "flat" / folder)
    line = f"{tmp_path / 'flat'}: images in test, train, which are names of splits, expected "
    line += "<split>/<class>/<image> or <class>/<image>; move them into class folders, or into "
    assert refusal(tmp_path / "flat") == f"{line}_unlabelled in each"


def test_empty_folders_of_classes_are_told(source):
    (source / "train" / "n98").mkdir()
    (source / "train" / "n99").mkdir()
    note = f"{source / 'train'}: nothing in the class folders n98, n99"
    assert open_source(source).notes == (note,)
    assert read_source(source)[1][-2:] == ("n98", "n99")


def test_labels_txt_gives_the_order_of_classes(source):
    (source / "labels.txt").write_text("n01\nn00\n")
    splits = {"train": (IMAGES, 1 - LABELS), "val": (IMAGES, 1 - LABELS)}
    assert_holds(source, splits, ["n01", "n00"])


def test_a_folder_of_no_class_is_refused(source):
    (source / "labels.txt").write_text("n00\nother\n")
    line = (
        f"{source}: the folder n01 of no class, expected one of n00, other; name it in labels.txt"
    )
    assert refusal(source) == line


@pytest.mark.parametrize("place", ["stray.png", "train/stray.png"])
def test_an_image_beside_the_folders_of_classes_is_refused(source, place):
    save(IMAGES[0], source / place)
    line = f"{(source / place).parent}: stray.png beside folders of images, expected "
    line += "<split>/<class>/<image> or <class>/<image>; move each image into the folder of its "
    assert refusal(source) == f"{line}class, or elsewhere"


def test_an_image_beside_classes_without_splits_is_refused(source):
    save(IMAGES[0], source / "train" / "stray.png")
    assert "stray.png beside folders of images" in refusal(
        source / "train", dest=source.parent / "out"
    )


def test_a_folder_in_the_folder_of_a_class_is_refused(source):
    (source / "train" / "n00" / "more").mkdir()
    line = f"{source / 'train' / 'n00' / 'more'}: a folder in the folder of a class, expected "
    assert refusal(source) == f"{line}images; move its images into the folder of a class"


def test_a_folder_that_build_did_not_write_may_have_pictures_of_its_own(tmp_path):
    for row, image in enumerate(IMAGES):
        save(image, tmp_path / "source" / "pictures" / f"n0{row // 3}" / f"{row}.png")
    assert_holds(tmp_path / "source", {"pictures": (IMAGES, LABELS)}, ["n00", "n01"])


@pytest.mark.parametrize("pair", [("t10k", "test"), ("my-val", "my_val"), ("Train", "train")])
def test_two_folders_of_one_split_are_refused(tmp_path, pair):
    for split in pair:
        save(IMAGES[0], tmp_path / "source" / split / "a" / "0.png")
    name = {"t10k": "test", "my-val": "my_val", "Train": "train"}[pair[0]]
    first, second = sorted(pair)
    line = f"{tmp_path / 'source'}: {first} and {second} are both the split {name}, expected one "
    assert refusal(tmp_path / "source") == f"{line}of each; rename one, or move it elsewhere"


# --- Files that are no image of a row -------------------------------------------------------------


def frames(kind, count=3, **settings):
    """An image file of several frames or pages."""
    stream = io.BytesIO()
    images = [PIL.Image.fromarray(image) for image in IMAGES[:count]]
    images[0].save(stream, kind, save_all=True, append_images=images[1:], **settings)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["tiff", "gif", "png", "webp"])
def test_pages_and_animations_are_refused(source, kind):
    file = source / "train" / "n00" / f"img.{kind}"
    file.write_bytes(frames(kind))
    line = f"{file}: 3 images in one file, expected one; save each as a file of its own, or "
    assert refusal(source, resize=True) == f"{line}remove it"


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("nowhere")])
def test_what_is_no_file_is_refused_unread(source, make):
    make(source / "train" / "n00" / "1.png")
    line = f"{source / 'train' / 'n00' / '1.png'}: a broken link, a pipe or a device, expected "
    assert refusal(source) == f"{line}an image; put the file itself there"


@pytest.mark.parametrize("content", [b"text", b"", b"\x89PNG\r\n\x1a\n", b"GIF89a"])
@pytest.mark.parametrize("name", ["notes.txt", "².png", "7.png"])
def test_files_that_are_no_image_are_refused(source, content, name):
    file = source / "train" / "n00" / name
    file.write_bytes(content)
    line = refusal(source)
    assert line.startswith(f"{file}: no readable image (")
    assert line.endswith(", expected an image of 28 × 28 in mode L; remove or replace it")


def test_a_truncated_image_is_refused(source):
    file = source / "train" / "n00" / "img_0.png"
    file.write_bytes(file.read_bytes()[:-40])
    assert refusal(source).startswith(f"{file}: no readable image (")


@pytest.mark.parametrize("place", [*range(0, 120, 7), -1, -5, -10, -14, -20])
def test_any_damage_to_one_of_our_images_is_seen(source, place):
    """Either it is refused, or it did not matter."""
    png = bytearray(next(mnist_family.encode_pngs(IMAGES[:1])))
    png[place] ^= 0x55
    file = source / "train" / "n00" / "img_0.png"
    file.write_bytes(png)
    with pytest.raises(ValueError, match=re.escape(f"{file}: ")):
        read_source(source)


def test_our_images_are_read_without_pillow(source):
    images = np.concatenate([IMAGES, np.zeros((1, 28, 28), np.uint8)])
    for row, png in enumerate(mnist_family.encode_pngs(images)):
        (source / "train" / "n00" / f"{row}.png").write_bytes(png)
        found = decode_plain_png(png)
        np.testing.assert_array_equal(found, images[row])
        assert decode_plain_png(png + b"x") is None
        assert decode_plain_png(png[:-1]) is None
    save(IMAGES[0], source / "train" / "n00" / "0.png")  # with filtered lines
    assert decode_plain_png((source / "train" / "n00" / "0.png").read_bytes()) is None


def recompressed(lines):
    """A PNG of these lines with their filters, as large as its header says or not."""
    png = next(mnist_family.encode_pngs(IMAGES[:1]))
    data = b"IDAT" + zlib.compress(lines)
    checksum = struct.pack(">I", zlib.crc32(data))
    return b"".join((png[:33], struct.pack(">I", len(data) - 4), data, checksum, png[-12:]))


def test_our_images_with_other_lines_are_left_to_pillow():
    lines = np.zeros((28, 29), np.uint8)
    assert decode_plain_png(recompressed(lines.tobytes())) is not None
    assert decode_plain_png(recompressed(lines.tobytes() + b"0")) is None
    assert decode_plain_png(recompressed(lines[1:].tobytes())) is None
    lines[3, 0] = 1
    assert decode_plain_png(recompressed(lines.tobytes())) is None


@pytest.mark.parametrize("offset", [50, 60])
def test_an_image_whose_checksum_is_wrong_is_refused(source, offset):
    """Pillow reads these as other pixels."""
    png = next(mnist_family.encode_pngs(IMAGES[:1]))
    file = source / "train" / "n00" / "img_0.png"
    file.write_bytes(png[:offset] + b"U" + png[offset:])
    with PIL.Image.open(file) as image:
        assert not np.array_equal(np.asarray(image), IMAGES[0])
    assert refusal(source).startswith(f"{file}: no readable image (")


def png_of(width, height):
    """A PNG of zeros whose size in the file is small."""

    def part(name, content):
        checksum = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + checksum

    head = struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(bytes(width + 1) * height, 9)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", data) + part(b"IEND", b"")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("side", [3000, 10_000, 20_000])
def test_a_bomb_is_refused_unread(source, side):
    file = source / "train" / "n00" / "bomb.png"
    file.write_bytes(png_of(side, side))
    with memory_limit(50):
        line = refusal(source, resize=True)
    assert line.startswith(f"{file}: an image of ")
    assert line.endswith(", expected at most 7,000,000 pixels; scale it down first")


def test_large_images_are_scaled_in_little_memory(source):
    for mode in ("RGB", "RGBA", "LA", "P", "L", "1"):
        image = PIL.Image.new(mode, (2645, 2645))
        image.save(source / "train" / "n00" / f"{mode}.png")
        del image
    with memory_limit(50):
        read_source(source, resize=True)


def test_other_sizes_and_modes_are_refused_or_resized(tmp_path):
    folder = tmp_path / "source" / "a"
    folder.mkdir(parents=True)
    PIL.Image.new("RGB", (56, 40), (255, 0, 0)).save(folder / "0.png")
    line = f"{folder / '0.png'}: 56 × 40 in mode RGB, expected 28 × 28 in mode L; pass --resize "
    assert refusal(tmp_path / "source") == f"{line}to scale images and convert colours to grey"
    PIL.Image.new("L", (28, 28), 9).save(folder / "1.jpg", quality=100)
    half = np.zeros((28, 28, 4), np.uint8)
    half[..., :3], half[:, 14:, 3] = 255, 255  # white, and its left half transparent
    PIL.Image.fromarray(half).save(folder / "2.png")
    convert(tmp_path / "source", tmp_path / "out", to="idx", resize=True)
    images = mnist_family.read_idx(tmp_path / "out" / "train-images-idx3-ubyte.gz")
    assert (images[0] == 76).all()
    assert (images[1] == 9).all()
    assert (images[2, :, :14] == 0).all()
    assert (images[2, :, 14:] == 255).all()
    assert open_source(tmp_path / "source", resize=True).notes == (
        "images of other sizes are scaled to 28 × 28 (Lanczos), and colours converted to grey "
        "(luminance)",
    )
    scaled = "Images were scaled from 56 × 40 to 28 × 28 pixels (Lanczos)"
    assert changes_of(tmp_path / "source") == (
        f"{scaled}, and colours converted to grey (luminance).",
    )
    PIL.Image.new("L", (56, 40)).save(folder / "0.png")
    (folder / "2.png").unlink()
    assert changes_of(tmp_path / "source") == (f"{scaled}.",)
    PIL.Image.new("RGB", (28, 28)).save(folder / "0.png")
    assert changes_of(tmp_path / "source") == ("Colours were converted to grey (luminance).",)
    (folder / "0.png").unlink()
    assert changes_of(tmp_path / "source") == ()
    for side in range(30, 35):
        PIL.Image.new("1", (side, 28)).save(folder / f"{side}.png")
    assert changes_of(tmp_path / "source") == (
        "Images were scaled from 5 sizes, 30 × 28 to 34 × 28, to 28 × 28 pixels (Lanczos).",
    )


def changes_of(path):
    """What is said of how the images were changed, once all of them were read."""
    source = open_source(path, resize=True)
    assert source.fitting.changes == ()
    for chunks in source.splits.values():
        assert [*chunks()]
    return source.fitting.changes


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_a_drawing_in_black_on_transparent_ground_is_refused(source, mode):
    file = source / "train" / "n00" / "clear.png"
    drawing = PIL.Image.new("RGBA", (28, 28))
    drawing.paste((0, 0, 0, 255), (9, 9, 19, 19))
    drawing.convert(mode).save(file)
    assert refusal(source, resize=True) == (
        f"{file}: black on transparent ground, expected an image that can be seen; "
        "fill the ground with white, or draw in white"
    )


@pytest.mark.parametrize("alpha", [0, 255])
def test_an_image_that_is_black_and_equally_transparent_all_over_is_black(source, alpha):
    file = source / "train" / "n00" / "img_0.png"
    PIL.Image.new("LA", (28, 28), (0, alpha)).save(file)
    splits, _ = read_source(source, resize=True)
    np.testing.assert_array_equal(splits["train"][0], [np.zeros((28, 28)), *IMAGES[1:]])


def test_sixteen_bits_are_refused_even_when_resizing(source):
    file = source / "train" / "n00" / "deep.png"
    PIL.Image.fromarray(np.zeros((28, 28), np.uint16)).save(file)
    line = refusal(source, resize=True)
    assert line == f"{file}: 28 × 28 in mode I;16, expected 8 bits a channel; save it so"


# --- Names of classes -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [*ODD_NAMES, "a" * 200, "%", "con.txt", "trailing.", "back\\slash", "colon:", " x", " "]
)
def test_names_become_folders_and_come_back(name):
    folder = folder_name(name)
    assert class_name(folder) == name
    assert pathlib.PurePath(folder).name == folder
    assert folder not in ("", ".", "..")
    assert not re.search(r'[<>:"/\\|?*]', folder)


@pytest.mark.parametrize(
    ("name", "folder"),
    [("CON", "%43ON"), ("con.txt", "%63on.txt"), ("lpt1", "%6Cpt1"), ("Conus", "Conus")],
)
def test_names_that_windows_reserves_are_no_folders(name, folder):
    assert folder_name(name) == folder


@pytest.mark.parametrize("folder", ["50%20off", "%41", "100%"])
def test_a_folder_of_others_that_only_looks_quoted_keeps_its_name(folder):
    assert class_name(folder) == folder


def test_the_order_of_names_that_no_line_keeps_is_kept(tmp_path):
    names = ["b", " a", " ", "A ", "c"]
    splits = {"train": (pictures(5, 1), np.array([4, 3, 2, 1, 0]))}
    source = write_idx_source(tmp_path / "source", splits, names)
    convert(source, tmp_path / "tree", to="imagefolder")
    assert not (tmp_path / "tree" / "labels.txt").exists()
    assert_holds(tmp_path / "tree", splits, names)


def test_names_that_differ_in_case_need_a_file_system_that_keeps_them_apart(tmp_path, monkeypatch):
    splits = {"train": (pictures(2, 1), np.array([0, 1]))}
    source = write_idx_source(tmp_path / "source", splits, ["a", "A"])
    convert(source, tmp_path / "tree", to="imagefolder")
    assert_holds(tmp_path / "tree", splits, ["a", "A"])
    make = pathlib.Path.mkdir

    def make_in_lower_case(path, *args, **kwargs):
        make(pathlib.Path(str(path).replace("/A", "/a")), *args, **kwargs)

    monkeypatch.setattr(pathlib.Path, "mkdir", make_in_lower_case)
    line = (
        "image folder: the classes 'A' and another with one folder on this file system, expected "
    )
    assert refusal(source, "imagefolder") == f"{line}names that differ; rename one"


def test_a_name_too_long_for_a_folder_is_refused(tmp_path):
    splits = {"train": (pictures(1, 1), np.array([0]))}
    source = write_idx_source(tmp_path / "source", splits, ["ク" * 100])
    line = f"image folder: the class {('ク' * 100)!r:.40}, which cannot be a folder (File name too "
    assert refusal(source, "imagefolder") == f"{line}long), expected a shorter name; rename it"


# --- What others make of ours ---------------------------------------------------------------------


def test_the_summary_says_how_others_number_the_classes(tmp_path):
    labels = np.array([0, 1, 2])
    start = "torchvision, Keras and datasets number class folders alphabetically, which"
    same = write_idx_source(tmp_path / "same", {"train": (pictures(3, 1), labels)}, "abc")
    notes = convert(same, tmp_path / "a", to="imagefolder").notes
    assert notes == (f"{start} here gives the same numbers",)
    other = {"train": (pictures(4, 1), np.array([0, 1, 2, -1]))}
    other = write_idx_source(tmp_path / "other", other, ["c", "B", "a"])
    assert convert(other, tmp_path / "b", to="imagefolder").notes == (
        f"{start} differs from here for 2 of 3 classes: c is 0 here and 3 there",
        "other readers take the folder _unlabelled for a class",
    )


def test_datasets_numbers_the_classes_as_the_summary_says(tmp_path, cache):
    splits = {"train": (pictures(40, 1), numbers(40, 1)), "test": (pictures(10, 2), numbers(10, 2))}
    names = mnist_family.find_config("fashion").class_names
    source = write_idx_source(tmp_path / "source", splits, names)
    notes = convert(source, tmp_path / "tree", to="imagefolder").notes
    folder = str(tmp_path / "tree")
    loaded = datasets.load_dataset("imagefolder", data_dir=folder, cache_dir=str(cache))
    assert {split: len(rows) for split, rows in loaded.items()} == {"train": 40, "test": 10}
    there = loaded["train"].features["label"].names
    assert there == sorted(map(folder_name, names))
    first = int(re.search(r"T-shirt/top is 0 here and (\d) there", notes[0])[1])
    assert there[first] == "T-shirt%2Ftop"
    assert datasets.load_dataset(folder, cache_dir=str(cache))["test"].num_rows == 10
