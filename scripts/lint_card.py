"""Run `mnist-family lint` from a clone."""

from mnist_tools.cli import main

if __name__ == "__main__":
    main("lint")
