"""Refuse connections to other machines.

Python imports this in every process that has the folder on its path.
"""

import os
import sys

LOCAL = {"127.0.0.1", "::1", "localhost", "", None}


def refuse_other_machines(event, arguments):
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        host = (
            address[0] if isinstance(address, tuple) else None
        )  # a path is a socket of this machine
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host not in LOCAL:
        raise ConnectionRefusedError(
            f"{host}: another machine, expected 127.0.0.1; tests make no other connection"
        )


if os.environ.get("MNIST_FAMILY_NETWORK") != "1":  # the tests of the public mirrors
    sys.addaudithook(refuse_other_machines)
