"""Images of any kind, as arrays of 28 × 28 grey levels."""

import contextlib
import math
import struct
import warnings
import zlib
from collections.abc import Iterator
from typing import BinaryIO, cast

import numpy as np
import PIL.Image
import PIL.ImageChops
import PIL.ImageOps

from mnist_family import IMAGE_SHAPE, fault
from mnist_tools.formats.png import MAX_PLAIN_BYTES, decode_plain_png

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm")
# Pillow's other decoders are never used.
KINDS = (
    "PNG",
    "JPEG",
    "BMP",
    "GIF",
    "TIFF",
    "WEBP",
    "PPM",
)
MAX_PIXELS = 7_000_000  # 28 MB once decoded, and half as much again to remove transparency
MAX_FILE_BYTES = 32 << 20  # of an image file that has to be held in memory
FITTING_IMAGE = "28 × 28 in mode L"
PNG_SIGNATURE_BYTES = 8
PNG_BLOCK_BYTES = 1 << 20
PASS_RESIZE = "pass --resize to scale images and convert colours to grey"
GREY_MODES = ("1", "L", "LA")
RESIZED = (
    "images of other sizes are scaled to 28 × 28 (Lanczos), and colours converted to grey "
    "(luminance)"
)


class Fitting:
    """Whether images may be resized to fit, and what that has changed so far."""

    def __init__(self, resize: bool = False) -> None:
        self.resize = resize
        self._sizes: set[tuple[int, int]] = set()
        self._has_colours = False

    def note(self, image: PIL.Image.Image) -> None:
        """Note the size and colours of an image that is resized."""
        if image.size != IMAGE_SHAPE:
            self._sizes.add(image.size)
        if image.mode not in GREY_MODES:
            self._has_colours = True

    @property
    def changes(self) -> tuple[str, ...]:
        """Return a sentence on what has been done to the images that were read, if anything."""
        if not self._sizes:
            return ("Colours were converted to grey (luminance).",) if self._has_colours else ()
        by_area = [sizes(size) for size in sorted(self._sizes, key=math.prod)]
        which = f"from {by_area[0]}"
        if len(by_area) > 1:
            which = f"from {len(by_area):,} sizes, {by_area[0]} to {by_area[-1]},"
        scaled = f"Images were scaled {which} to {sizes(IMAGE_SHAPE)} pixels (Lanczos)"
        if self._has_colours:
            return (f"{scaled}, and colours converted to grey (luminance).",)
        return (f"{scaled}.",)


def decode_image(file: BinaryIO, place: str, fitting: Fitting) -> np.ndarray:
    """Read an image file as uint8 (28, 28), resized if it may be. Errors name its `place`."""
    start = file.read(MAX_PLAIN_BYTES)
    plain = decode_plain_png(start)
    if plain is not None and len(start) < MAX_PLAIN_BYTES:
        return plain
    file.seek(0)
    with _naming_the_image(place):
        image = PIL.Image.open(file, formats=KINDS)
    if image.width * image.height > MAX_PIXELS:
        raise _too_large(f"{image.width:,} × {image.height:,}", place)
    with _naming_the_image(place):
        if image.format == "PNG":
            _check_png(file)
        frames = getattr(image, "n_frames", 1)
        image.load()
        if "exif" in image.info:  # a camera may have been held sideways
            PIL.ImageOps.exif_transpose(image, in_place=True)
    if frames > 1:
        remedy = "save each as a file of its own, or remove it"
        raise fault(place, f"{frames} images in one file", "one", remedy)
    return fit_image(image, place, fitting)


def fit_image(image: PIL.Image.Image, place: str, fitting: Fitting) -> np.ndarray:
    """Return an image as uint8 (28, 28), scaled and converted to grey if it may be resized.

    ValueError if it does not fit and may not be resized, or has more than 8 bits per channel.
    """
    if image.mode == "L" and image.size == IMAGE_SHAPE:
        return np.asarray(image)
    found = f"{image.width} × {image.height} in mode {image.mode}"
    if not fitting.resize:
        raise fault(place, found, FITTING_IMAGE, PASS_RESIZE)
    if image.mode.startswith(("I", "F")):
        raise fault(place, found, "8 bits a channel", "save it so")
    grey = _grey(image, place)
    fitting.note(image)
    return np.asarray(grey.resize(IMAGE_SHAPE, PIL.Image.Resampling.LANCZOS))


def fit_arrays(images: np.ndarray, place: str, fitting: Fitting) -> np.ndarray:
    """Return images as uint8 (n, 28, 28).

    `images` is uint8 (n, height, width), with or without 1, 3 or 4 channels, or (n, side²).
    ValueError for images of another size, unless they may be resized, and for any other shape.
    """
    refuse_other_shapes(images.shape, place, resize=fitting.resize)
    images = images.reshape(len(images), *_picture_shape(images.shape))
    if images.shape[1:] == IMAGE_SHAPE:
        return images
    fitted = [fit_image(PIL.Image.fromarray(image), place, fitting) for image in images]
    return np.array(fitted, np.uint8).reshape(-1, *IMAGE_SHAPE)


def refuse_other_shapes(shape: tuple[int, ...], place: str, *, resize: bool) -> None:
    """Raise ValueError unless `fit_arrays` can read an array of this shape."""
    picture = _picture_shape(shape)
    if picture == IMAGE_SHAPE:
        return
    found = f"images of {sizes(shape[1:])}"
    if len(picture) < 2 or min(picture[:2]) < 2 or picture[2:] not in ((), (3,), (4,)):
        raise fault(place, found, "28 × 28", "reshape them")
    if not resize:
        raise fault(place, found, "28 × 28", PASS_RESIZE)
    if math.prod(picture[:2]) > MAX_PIXELS:
        raise _too_large(sizes(picture[:2]), place)


def _picture_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of one image of an array: height and width, and channels if several."""
    if len(shape) == 2 and (side := square_side(shape[1])):
        return side, side
    return shape[1:3] if shape[3:] == (1,) else shape[1:]


def square_side(pixels: int) -> int | None:
    """Return the side of a square image with `pixels` pixels; None if there is no such image."""
    side = math.isqrt(pixels)
    return side if side > 1 and side * side == pixels else None


def sizes(shape: tuple[int, ...]) -> str:
    """Format a shape for messages, as in 28 × 28."""
    return " × ".join(f"{size:,}" for size in shape) or "no dimensions"


def _check_png(file: BinaryIO) -> None:
    """Raise ValueError if a chunk of a PNG file has a wrong checksum; Pillow may not notice."""
    position = file.tell()
    file.seek(PNG_SIGNATURE_BYTES)
    name = b""
    while name != b"IEND":
        size, name = struct.unpack(">I4s", file.read(8))
        checksum = zlib.crc32(name)
        for start in range(0, size, PNG_BLOCK_BYTES):
            checksum = zlib.crc32(file.read(min(PNG_BLOCK_BYTES, size - start)), checksum)
        if file.read(4) != struct.pack(">I", checksum):
            raise ValueError(f"a wrong checksum after {name!r}")
    file.seek(position)


def _grey(image: PIL.Image.Image, place: str) -> PIL.Image.Image:
    """Convert an image to mode L; transparent areas become black, the background.

    ValueError for a drawing in black on transparent ground, which would disappear.
    """
    if "transparency" in image.info:
        image = image.convert("RGBA")
    if "A" not in image.getbands():
        return image.convert("L")
    alpha = image.getchannel("A")
    grey = PIL.ImageChops.multiply(image.convert("L"), alpha)
    clearest, densest = cast(tuple[float, float], alpha.getextrema())
    if clearest < densest and not grey.getbbox():
        remedy = "fill the ground with white, or draw in white"
        raise fault(place, "black on transparent ground", "an image that can be seen", remedy)
    return grey


def _too_large(found: str, place: str) -> ValueError:
    expected = f"at most {MAX_PIXELS:,} pixels"
    return fault(place, f"an image of {found}", expected, "scale it down first")


@contextlib.contextmanager
def _naming_the_image(place: str) -> Iterator[None]:
    """Turn any exception of a decoder into a ValueError that names the image."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", PIL.Image.DecompressionBombWarning)
            yield
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning):
        raise _too_large("too many pixels", place) from None
    except Exception as error:  # a broken file can make a decoder raise anything
        found = f"no readable image ({type(error).__name__})"
        raise fault(place, found, f"an image of {FITTING_IMAGE}", "remove or replace it") from None
