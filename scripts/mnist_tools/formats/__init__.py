"""The formats that `convert` reads and writes; each is a module, imported when it is needed."""

FORMATS = {
    "idx": "mnist_tools.formats.idx",
    "csv": "mnist_tools.formats.csv",
    "imagefolder": "mnist_tools.formats.imagefolder",
    "npz": "mnist_tools.formats.npz",
    "parquet": "mnist_tools.formats.parquet",
}
