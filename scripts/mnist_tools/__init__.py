"""Build, convert, measure, describe and publish datasets of 28 x 28 grey images."""
