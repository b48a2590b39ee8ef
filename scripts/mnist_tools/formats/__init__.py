"""The formats that `convert` reads and writes.

To add one, write a module with the names that `mnist_tools.formats.source.Format` lists, and add
it to this table. Importing this package is cheap: a format's module is only imported when needed.
"""

FORMATS = {
    "idx": "mnist_tools.formats.idx",
    "csv": "mnist_tools.formats.csv",
    "imagefolder": "mnist_tools.formats.imagefolder",
    "npz": "mnist_tools.formats.npz",
    "parquet": "mnist_tools.formats.parquet",
    "webdataset": "mnist_tools.formats.webdataset",
}
