"""Run `mnist-family convert` from a clone."""

from mnist_tools.cli import main

if __name__ == "__main__":
    main("convert")
