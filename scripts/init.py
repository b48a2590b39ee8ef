"""Run `mnist-family init` from a clone."""

from mnist_tools.cli import main

if __name__ == "__main__":
    main("init")
