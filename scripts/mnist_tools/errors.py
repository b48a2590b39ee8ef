"""Exceptions that commands raise and `cli` prints."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM; the message tells the user what state the command left behind."""
