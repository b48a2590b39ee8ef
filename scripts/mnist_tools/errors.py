"""Exceptions that the commands raise and `cli` turns into lines."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM, with the line that tells the user what state it left behind."""
