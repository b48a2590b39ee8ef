"""The suite's own promise: no test, and no process of a test, talks to another machine."""

import os
import socket
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    os.environ.get("MNIST_FAMILY_NETWORK") == "1", reason="MNIST_FAMILY_NETWORK is 1"
)
CONNECT = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=0.1)"


def test_this_process_is_kept_from_other_machines():
    with pytest.raises(ConnectionRefusedError, match="another machine"):
        exec(CONNECT)
    with pytest.raises(ConnectionRefusedError, match="another machine"):
        socket.getaddrinfo("huggingface.co", 443)


def test_a_subprocess_is_kept_from_other_machines():
    result = subprocess.run([sys.executable, "-c", CONNECT], capture_output=True, text=True)
    assert result.returncode == 1
    assert "another machine" in result.stderr


def test_this_machine_is_reached():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()
