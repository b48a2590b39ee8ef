"""A fast way to read the PNG files that `encode_pngs` writes."""

import zlib

import numpy as np

from mnist_family import IMAGE_SHAPE, encode_pngs

PLAIN_PNG = next(encode_pngs(np.zeros((1, *IMAGE_SHAPE), np.uint8)))
PLAIN_HEAD = PLAIN_PNG[:33]  # the signature, and the chunk IHDR with its checksum
PLAIN_TAIL = PLAIN_PNG[-12:]  # the chunk IEND
MAX_PLAIN_BYTES = 2000  # 28 lines of 29 bytes, which deflate can hardly enlarge, and 57 more
LINE_BYTES = 1 + IMAGE_SHAPE[1]  # how the line is filtered, then its pixels


def decode_plain_png(content: bytes) -> np.ndarray | None:
    """Return the uint8 (28, 28) of a sound file of this mode and size without filters, or None.

    None leaves it to Pillow to read the file, or to say what is wrong with it.
    """
    if not (content.startswith(PLAIN_HEAD) and content.endswith(PLAIN_TAIL)):
        return None
    size, kind, data = content[33:37], content[37:41], content[41:-16]
    checksum = int.from_bytes(content[-16:-12], "big")
    if kind != b"IDAT" or int.from_bytes(size, "big") != len(data):
        return None
    if zlib.crc32(content[37:-16]) != checksum:
        return None
    inflate = zlib.decompressobj()
    try:
        lines = inflate.decompress(data, LINE_BYTES * IMAGE_SHAPE[0] + 1)
    except zlib.error:
        return None
    if len(lines) != LINE_BYTES * IMAGE_SHAPE[0] or not inflate.eof or inflate.unused_data:
        return None
    image = np.frombuffer(lines, np.uint8).reshape(-1, LINE_BYTES)
    return None if image[:, 0].any() else image[:, 1:]
