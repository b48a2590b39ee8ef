"""Local mirrors that serve a folder of archives, and go wrong in every way seen so far."""

import base64
import contextlib
import gzip
import http.server
import pathlib
import socket
import struct
import threading
import time

HTML = b"<!DOCTYPE html>\n<html><body>This site has moved.</body></html>\n"


class Mirror(http.server.ThreadingHTTPServer):
    """A mirror; `behaviour` is the name of a method of `Answer`, or a dict of them by file name."""

    daemon_threads = True
    request_queue_size = 50

    def __init__(self, folder, host="127.0.0.1"):
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, 0), Answer)
        self.folder, self.behaviour, self.requests, self.closing = (
            pathlib.Path(folder),
            "good",
            [],
            threading.Event(),
        )
        self.released = threading.Event()
        self.authorizations = []  # what clients have shown to `elsewhere`
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{self.server_port}/"
        threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()

    def stop(self):
        self.closing.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        """Say nothing: clients that hang up are the point of it."""


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path, _, self.query = self.path.lstrip("/").partition("?")
        self.file = self.server.folder / path
        self.server.requests.append((self.command, path))
        behaviour = self.server.behaviour
        if isinstance(behaviour, dict):
            behaviour = behaviour.get(self.file.name, "good")
        self.close_connection = True
        if behaviour[0].isdigit():
            self.send(HTML, int(behaviour))
        elif not self.file.is_file():
            self.send(HTML, 404)
        else:
            getattr(self, behaviour)(self.file.read_bytes())

    do_HEAD = do_GET

    def log_message(self, format, *args):
        pass

    def send(self, content, status=200, length=True, body=None, **headers):
        """`content` announced, and `body`, where given, sent in its place."""
        self.send_response(status)
        if length:
            self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content if body is None else body)

    def good(self, content):
        self.send(content)

    def html(self, content):
        self.send(HTML, Content_Type="text/html")

    def html_of_no_length(self, content):
        self.send(HTML, length=False, Content_Type="text/html")

    def truncated(self, content):
        self.send(content[: len(content) // 2])

    def truncated_of_no_length(self, content):
        self.send(content[: len(content) // 2], length=False)

    def cut(self, content):
        self.send(content, body=content[: len(content) // 2])

    def cut_chunk(self, content):
        """A transfer in chunks whose only one is cut in the middle."""
        half = len(content) // 2
        body = b"%x\r\n%b" % (len(content), content[:half])
        self.send(content, length=False, body=body, Transfer_Encoding="chunked")

    def empty(self, content):
        self.send(b"")

    def not_http(self, content):
        self.wfile.write(b"220 mail.example ESMTP\r\n" * 3)

    def hung_up(self, content):
        pass

    def reset(self, content):
        """Half of it, and then a reset of the connection."""
        self.send(content, body=content[: len(content) // 2])
        self.wfile.flush()
        at_once = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        self.connection.close()

    def raw(self, content):
        self.send(gzip.decompress(content))

    def first_byte_alone(self, content):
        self.send(content, body=content[:1])
        if self.command == "GET":
            self.wfile.flush()
            time.sleep(0.2)
            self.wfile.write(content[1:])

    def flipped(self, content):
        middle = len(content) // 2
        self.send(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])

    def other_pixel(self, content):
        """Sound in every way, but for one value and the digest."""
        raw = bytearray(gzip.decompress(content))
        raw[-1] ^= 1
        self.send(gzip.compress(bytes(raw), mtime=0), length=False)

    def one_row_less(self, content):
        """Sound in every way, but without the last image."""
        raw = gzip.decompress(content)
        rows = int.from_bytes(raw[4:8], "big") - 1
        self.send(gzip.compress(raw[:4] + rows.to_bytes(4, "big") + raw[8:-784]), length=False)

    def other_member(self, content):
        names = sorted(
            path.name for path in self.server.folder.iterdir() if (path / self.file.name).is_file()
        )
        other = names[names.index(self.file.parent.name) - 1]
        self.send((self.server.folder / other / self.file.name).read_bytes())

    def other_kind(self, content):
        """Labels for images, and images for labels."""
        images = {"images-idx3": "labels-idx1", "labels-idx1": "images-idx3"}
        kind = self.file.name.partition("-")[2].removesuffix("-ubyte.gz")
        other = self.file.with_name(self.file.name.replace(kind, images[kind]))
        self.send(other.read_bytes(), length=False)

    def trailing(self, content):
        self.send(content + content, length=False)

    def padded(self, content):
        """The archive, and many zeros, which gzip ignores."""
        self.send(content + bytes(15 * len(content)), length=False)

    def encoded(self, content):
        self.send(content, Content_Encoding="gzip")

    def of_no_length(self, content):
        self.send(content, length=False)

    def chunked(self, content):
        body = b"".join(
            b"%x\r\n%b\r\n" % (len(part), part) for part in (content[:20], content[20:], b"")
        )
        self.send(content, length=False, body=body, Transfer_Encoding="chunked")

    def kept_open(self, content):
        """The archive, on a connection that is not closed after it."""
        self.send(content)
        if self.command == "GET":
            self.wfile.flush()
            self.server.closing.wait()

    def without_head(self, content):
        self.send(content) if self.command == "GET" else self.send(HTML, 405)

    def head_only(self, content):
        self.send(content) if self.command == "HEAD" else self.send(HTML, 503)

    def redirect(self, content):
        if self.query:
            self.send(content)
        else:
            self.send(b"", 302, Location=f"{self.path}?moved")

    def redirect_to_no_port(self, content):
        self.send(b"", 302, Location="http://127.0.0.1:port/")

    def redirect_to_no_host(self, content):
        self.send(b"", 302, Location="http://[127.0.0.1/")

    def elsewhere(self, content):
        """The archive for one who comes from another mirror, redirected."""
        self.server.authorizations.append(self.headers["Authorization"])
        self.send(content)

    def redirect_elsewhere(self, content):
        self.send(b"", 302, Location=self.server.elsewhere + self.path.lstrip("/"))

    def silent(self, content):
        self.server.closing.wait()

    def silent_in_body(self, content):
        self.send(content, body=content[:100])
        self.wfile.flush()
        if self.command == "GET":
            self.server.closing.wait()

    def held(self, content):
        """Half of it, and the rest once the test says so."""
        self.send(content, body=content[: len(content) // 2])
        if self.command == "GET":
            self.wfile.flush()
            self.server.released.wait()
            self.wfile.write(content[len(content) // 2 :])

    def for_who_knows_the_password(self, content):
        if self.headers["Authorization"] == "Basic " + base64.b64encode(b"me:secret").decode():
            self.send(content)
        else:
            self.send(HTML, 401)

    def slow(self, content, rate=20_000):
        self.send(content, body=b"")
        if self.command == "GET":
            with contextlib.suppress(OSError):
                for start in range(0, len(content), rate // 4):
                    self.wfile.write(content[start : start + rate // 4])
                    time.sleep(0.25)
