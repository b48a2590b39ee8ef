"""Downloads and streams from mirrors on 127.0.0.1: the right rows or a clear error, always."""

import os
import pickle
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request

import datasets
import filelock
import numpy as np
import pytest
from conftest import ROOT, SCRIPTS_LOAD, arrays_of, assert_rows
from mirror_server import Mirror

RELEASE = int(datasets.__version__.split(".")[0])
FILES = [
    f"{name}-ubyte.gz"
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
]

# What a mirror does, and what the error says; None: the archive comes all the same.
FAULTS = {
    "404": "HTTP status 404",
    "403": "HTTP status 403",
    "503": "HTTP status 503",
    "html": "an HTML page",
    "html_of_no_length": "an HTML page",
    "empty": r"0 bytes instead of [\d,]+",
    "truncated": r"[\d,]+ bytes instead of [\d,]+",
    "head_only": "HTTP status 503",
    "not_http": "not an HTTP response",
    "hung_up": "closed the connection without answering",
    "redirect_to_no_port": "redirects to an invalid URL",
    "redirect_to_no_host": "redirects to an invalid URL",
    "of_no_length": None,
    "chunked": None,
    "first_byte_alone": None,
    "encoded": None,
    "raw": None,
    "redirect": None,
    "without_head": None,
    "kept_open": None,
}
# Those that a stream may notice no sooner than at its end.
LATE_FAULTS = {
    "other_member": r"this is MNIST's \S+\.gz",
    "truncated_of_no_length": r"[\d,]+ bytes instead of [\d,]+",
    "cut": "ended too early",
    "cut_chunk": "ended too early",
    "reset": "reset the connection",
    "flipped": "wrong digest, sha256 [0-9a-f]{64}",
    "other_pixel": r"[\d,]+ bytes instead of [\d,]+|wrong digest, sha256 [0-9a-f]{64}",
    "trailing": r"over [\d,]+ bytes|[\d,]+ bytes instead of [\d,]+",
}
STREAMED = FAULTS | {"other_kind": "not an IDX file of (images|labels)"}
DOWNLOADED = FAULTS | LATE_FAULTS | {"other_kind": "over 56 bytes"}


PATIENT = """
import tiny_family
tiny_family.SILENCE = 600
tiny_family.load("fashion", cache_dir={cache!r})
"""


def assert_whole(loaded, tiny, name="fashion"):
    assert list(loaded) == ["train", "test"]
    for split, rows in loaded.items():
        assert_rows(rows, *tiny.arrays[name][split])


def files_below(folder):
    """Names of all files, without the locks that `datasets` keeps."""
    return sorted(
        file for _, _, files in os.walk(folder) for file in files if not file.endswith(".lock")
    )


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


# --- Downloads ------------------------------------------------------------------------------------


@pytest.mark.release
@pytest.mark.parametrize("name", ["mnist", "fashion", "kmnist"])
def test_archives_are_downloaded_from_the_first_mirror(load, tiny, mirrors, name):
    loaded = load(name)
    assert_whole(loaded, tiny, name)
    assert {path for _, path in mirrors[0].requests} == {f"{name}/{file}" for file in FILES}
    assert mirrors[1].requests == []
    expected = sum((tiny.folder(name) / file).stat().st_size for file in FILES)
    assert loaded["train"].info.download_size == expected
    assert loaded["train"].info.license == tiny.module.MnistFamily(config_name=name).config.license


@pytest.mark.parametrize("fault", DOWNLOADED)
def test_what_one_mirror_does_not_give_the_next_does(load, tiny, mirrors, fault, cache):
    mirrors[0].behaviour = fault
    loaded = load("fashion")
    assert_whole(loaded, tiny)
    expected = set() if DOWNLOADED[fault] is None else {f"fashion/{file}" for file in FILES}
    assert {path for _, path in mirrors[1].requests} == expected
    if fault != "raw":
        published = sum((tiny.folder("fashion") / file).stat().st_size for file in FILES)
        assert loaded["test"].info.download_size == published
    assert len(files_below(cache / "downloads")) == 4


@pytest.mark.parametrize("fault", [fault for fault, words in DOWNLOADED.items() if words])
def test_when_no_mirror_gives_an_archive_one_error_tells_all(load, tiny, mirrors, fault, cache):
    for mirror in mirrors:
        mirror.behaviour = {"train-labels-idx1-ubyte.gz": fault}
    with pytest.raises(ConnectionError) as caught:
        load("fashion")
    lines = str(caught.value).splitlines()
    assert re.fullmatch(
        r"train-labels-idx1-ubyte.gz: not available from any mirror of Fashion-MNIST, "
        r"expected \d+ bytes of sha256 [0-9a-f]{64}; "
        rf"put {', '.join(FILES)} into a folder and give it as data_dir. The mirrors said:",
        lines[0],
    )
    for mirror, line in zip(mirrors, lines[1:], strict=True):
        url = f"{mirror.url}fashion/train-labels-idx1-ubyte.gz"
        assert re.fullmatch(f"  {re.escape(url)}: ({DOWNLOADED[fault]})", line)
    assert len(files_below(cache / "downloads")) == 1, "a part or a bad copy stays behind"

    mirrors[0].behaviour = "good"
    assert_whole(load("fashion"), tiny)


def test_zeros_after_an_archive_are_not_read_to_their_end(tiny, mirrors, cache):
    """They may have none, and gzip takes no notice of them."""
    for mirror in mirrors:
        mirror.behaviour = {FILES[0]: "padded"}
    with pytest.raises(ConnectionError, match=rf"{FILES[0]}: over [\d,]+ bytes\n"):
        tiny.module.arrays("fashion", cache_dir=cache)
    mirrors[0].behaviour = "good"
    streamed = tiny.module.load("fashion", "train", streaming=True, cache_dir=str(cache))
    mirrors[0].behaviour = {FILES[0]: "padded"}
    with pytest.raises(ValueError, match=rf"{FILES[0]}: over [\d,]+ bytes, expected"):
        list(streamed)


@pytest.mark.parametrize("bad", [b"<html>", b"", "truncated", "flipped"])
@pytest.mark.parametrize("streaming", [False, True])
def test_a_bad_copy_in_the_cache_is_replaced_from_its_own_mirror(
    load, tiny, mirrors, cache, streaming, bad, caplog
):
    mirrors[1].behaviour = "503"
    load("fashion")
    forget_rows(cache)
    copy = cached_copy(cache, f"{mirrors[0].url}fashion/t10k-images-idx3-ubyte.gz")
    good = copy.read_bytes()
    copy.write_bytes(
        {"truncated": good[:-20], "flipped": good[:99] + b"?" + good[100:]}.get(bad, bad)
    )
    mirrors[0].requests.clear()
    assert_whole(load("fashion", streaming=streaming), tiny)
    assert {path for _, path in mirrors[0].requests} == {"fashion/t10k-images-idx3-ubyte.gz"}
    url = f"{mirrors[0].url}fashion/t10k-images-idx3-ubyte.gz"
    assert f"{copy}: a bad copy of {url}, removed from the cache" in caplog.messages
    assert streaming or copy.read_bytes() == good


def test_a_copy_that_another_process_has_just_replaced_is_kept(
    tiny, mirrors, cache, monkeypatch, caplog
):
    expected = tiny.module.arrays("fashion", "test", cache_dir=cache)
    copy = cached_copy(cache, f"{mirrors[0].url}fashion/t10k-images-idx3-ubyte.gz")
    good = copy.read_bytes()
    copy.write_bytes(b"bad")
    mirrors[0].requests.clear()

    class LockOfTheOtherProcess(filelock.FileLock):
        def acquire(self, *args, **kwargs):
            copy.write_bytes(good)
            return super().acquire(*args, **kwargs)

    monkeypatch.setattr(filelock, "FileLock", LockOfTheOtherProcess)
    images, labels = tiny.module.arrays("fashion", "test", cache_dir=cache)
    np.testing.assert_array_equal(images, expected.images)
    np.testing.assert_array_equal(labels, expected.labels)
    assert mirrors[0].requests == []
    assert caplog.messages == []


def cached_copy(cache, url):
    return cache / "downloads" / datasets.utils.file_utils.hash_url_to_filename(url)


def test_a_mirror_that_refuses_connections_is_passed_over(load, tiny, mirrors, monkeypatch):
    base = f"http://127.0.0.1:{closed_port()}"
    monkeypatch.setenv("MNIST_FAMILY_MIRROR", base)
    assert_whole(load("fashion"), tiny)
    mirrors[0].behaviour = mirrors[1].behaviour = "503"
    with pytest.raises(
        ConnectionError, match=f"\n  {base}/mnist/train-images-idx3-ubyte.gz: connection refused\n"
    ):
        load("mnist")


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("streaming", [False, True])
def test_a_mirror_of_ones_own_goes_first(load, tiny, mirrors, monkeypatch, streaming, slash):
    monkeypatch.setenv("MNIST_FAMILY_MIRROR", mirrors[1].url.rstrip("/") + slash)
    assert_whole(load("kmnist", streaming=streaming), tiny, "kmnist")
    assert mirrors[0].requests == []
    assert {path for _, path in mirrors[1].requests} == {f"kmnist/{file}" for file in FILES}


@pytest.mark.parametrize(
    "form",
    [
        "{scheme}://{host}:{port}",
        " HTTP://{host}:{port}/\n",
        "{scheme}://localhost:{port}/",
        "{scheme}://{host}:{port}/with%20blank//",
    ],
)
@pytest.mark.parametrize("streaming", [False, True])
def test_a_mirror_of_ones_own_may_be_written_in_many_ways(
    load, tiny, mirrors, monkeypatch, form, streaming
):
    mirrors[0].behaviour = "503"
    port = mirrors[1].server_port
    given = form.format(scheme="http", host="127.0.0.1", port=port)
    monkeypatch.setenv("MNIST_FAMILY_MIRROR", given)
    assert_whole(load("kmnist", streaming=streaming), tiny, "kmnist")
    assert mirrors[0].requests == [] or "blank" in form
    assert {path.rpartition("/")[2] for _, path in mirrors[1].requests} == {*FILES}


@pytest.mark.parametrize("streaming", [False, True])
def test_a_mirror_of_ones_own_may_have_an_ipv6_address(load, tiny, mirrors, monkeypatch, streaming):
    try:
        mirror = Mirror(tiny.folder(), host="::1")
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")
    monkeypatch.setenv("MNIST_FAMILY_MIRROR", mirror.url)
    assert_whole(load("kmnist", streaming=streaming), tiny, "kmnist")
    mirror.stop()
    assert {path for _, path in mirror.requests} == {f"kmnist/{file}" for file in FILES}
    assert mirrors[0].requests == []


@pytest.mark.parametrize(
    "given",
    [
        "/srv/archives",
        "ftp://example.org/archives",
        "http://",
        "http:///archives",
        "http://example.org/a b",
        "http://example.org/ä",
        "http://example.org/archives?key=1",
        "http://example.org/archives#part",
        "http://example.org:port/",
        "http://[::1/",
    ],
)
def test_a_mirror_that_is_no_url_is_refused(tiny, mirrors, cache, monkeypatch, given):
    monkeypatch.setenv("MNIST_FAMILY_MIRROR", given)
    for streaming in (False, True):
        with pytest.raises(ValueError, match=".") as refusal:
            tiny.module.load("mnist", streaming=streaming, cache_dir=str(cache))
        assert str(refusal.value) == (
            f"MNIST_FAMILY_MIRROR: {given!r}, expected http:// or https://, a host and a path, "
            "without spaces, ? and #; correct it or give a folder as data_dir"
        )


@pytest.mark.parametrize(
    "form", ["http://me:secret@{}/", "https://me@{}/", "HTTP://me:secret@{}", "me:secret@{}"]
)
def test_a_password_in_the_url_of_a_mirror_is_refused_and_not_shown(
    tiny, mirrors, cache, monkeypatch, form
):
    monkeypatch.setenv("MNIST_FAMILY_MIRROR", form.format(f"127.0.0.1:{mirrors[0].server_port}"))
    for streaming in (False, True):
        with pytest.raises(ValueError, match=".") as refusal:
            tiny.module.load("mnist", streaming=streaming, cache_dir=str(cache))
        assert str(refusal.value) == (
            "MNIST_FAMILY_MIRROR: a name or password in the URL, expected none; "
            "put them into ~/.netrc: machine HOST login NAME password PASSWORD"
        )
    assert mirrors[0].requests == []
    assert not [
        path for path in cache.rglob("*") if path.is_file() and b"secret" in path.read_bytes()
    ]


@pytest.mark.parametrize("place", ["~/.netrc", "$NETRC"])
@pytest.mark.parametrize("streaming", [False, True])
def test_the_password_of_a_mirror_is_read_from_netrc_and_kept_nowhere(
    load, tiny, mirrors, cache, monkeypatch, tmp_path, place, streaming
):
    mirrors[0].behaviour, mirrors[1].behaviour = "503", "for_who_knows_the_password"
    monkeypatch.setenv("MNIST_FAMILY_MIRROR", mirrors[1].url)
    netrc = tmp_path / (".netrc" if place == "~/.netrc" else "mine")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    if place == "$NETRC":
        monkeypatch.setenv("NETRC", str(netrc))
    with pytest.raises(ConnectionError, match="HTTP status 401"):
        load("fashion", streaming=streaming)
    netrc.write_text("machine example.org login you password other\n"
                     "machine 127.0.0.1 login me password secret\n")  # fmt: skip
    loaded = load("fashion", streaming=streaming)
    assert_whole(loaded, tiny)
    assert "secret" not in repr(loaded["train"].info)
    assert not [
        path for path in cache.rglob("*") if path.is_file() and b"secret" in path.read_bytes()
    ]


def test_a_password_is_not_sent_where_a_mirror_redirects_to(
    load, tiny, mirrors, monkeypatch, tmp_path
):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    mirrors[0].behaviour, mirrors[1].behaviour = "redirect_elsewhere", "elsewhere"
    mirrors[0].elsewhere = mirrors[1].url
    mirrors[1].authorizations.clear()
    assert_whole(load("fashion"), tiny)
    assert {*mirrors[1].authorizations} == {None}


def test_a_password_is_not_sent_to_another_host(load, tiny, mirrors, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine example.org login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    mirrors[0].behaviour = "elsewhere"
    mirrors[0].authorizations.clear()
    assert_whole(load("fashion"), tiny)
    assert {*mirrors[0].authorizations} == {None}


def test_a_netrc_that_cannot_be_read_is_passed_over(load, tiny, mirrors, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_bytes("machine 127.0.0.1 login me password grün\n".encode("latin-1"))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert_whole(load("fashion"), tiny)


def test_a_dead_proxy_is_named_without_its_password(load, mirrors, monkeypatch):
    port = closed_port()
    monkeypatch.setenv("http_proxy", f"http://me:secret@127.0.0.1:{port}/")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setattr(urllib.request, "_opener", None)  # made once, with the proxies of that time
    with pytest.raises(ConnectionError) as caught:
        load("mnist")
    assert f"{FILES[0]}: connection refused through the proxy 127.0.0.1:{port}\n" in str(
        caught.value
    )
    assert "secret" not in str(caught.value)


def test_a_proxy_that_is_not_used_for_a_host_is_not_named(load, mirrors, monkeypatch):
    mirrors[0].behaviour = mirrors[1].behaviour = "hung_up"
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}/")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(urllib.request, "_opener", None)
    with pytest.raises(ConnectionError) as caught:
        load("mnist")
    line = f"  {mirrors[0].url}mnist/{FILES[0]}: closed the connection without answering"
    assert line in str(caught.value).splitlines()


@pytest.mark.parametrize("host", ["offline.invalid", "timeout.invalid", "refused.invalid"])
def test_no_host_is_taken_at_its_name(load, tiny, mirrors, monkeypatch, host):
    """A reason comes from the type of an error, not from words in its text."""
    ask = socket.getaddrinfo

    def ask_for_the_mirror(name, *args, **kwargs):
        return ask("127.0.0.1" if name == host else name, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", ask_for_the_mirror)
    monkeypatch.setenv("MNIST_FAMILY_MIRROR", f"http://{host}:{mirrors[0].server_port}")
    mirrors[0].behaviour = mirrors[1].behaviour = "404"
    with pytest.raises(ConnectionError) as caught:
        load("mnist")
    url = f"http://{host}:{mirrors[0].server_port}/mnist/{FILES[0]}"
    assert f"\n  {url}: HTTP status 404\n" in str(caught.value)


def test_an_error_that_nobody_foresaw_is_told_and_its_traceback_kept(load, mirrors, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError("the moon\nis full")

    monkeypatch.setattr(urllib.request, "urlopen", fail)
    with pytest.raises(ConnectionError, match=f"{FILES[0]}: OSError: the moon is full\n") as caught:
        load("mnist")
    assert "the moon\nis full" in str(caught.value.__cause__.__cause__)


@pytest.mark.parametrize("fault", ["silent_in_body", "silent"])
def test_a_silent_mirror_is_given_up_and_not_asked_again(tiny, mirrors, cache, fault):
    mirrors[0].behaviour = fault
    assert_whole(tiny.module.load("fashion", cache_dir=str(cache)), tiny)
    assert {path for _, path in mirrors[0].requests} == {f"fashion/{FILES[0]}"}
    assert len(files_below(cache / "downloads")) == 4


def test_a_mirror_that_is_slow_is_not_cut(load, tiny, mirrors):
    """The images take three times as long as a silence may."""
    mirrors[0].behaviour = {FILES[0]: "slow"}
    assert_whole(load("fashion"), tiny)
    assert mirrors[1].requests == []


def test_verified_splits_share_the_cache_of_load(tiny, mirrors, cache, monkeypatch):
    monkeypatch.setattr(datasets.config, "DOWNLOADED_DATASETS_PATH", cache / "downloads")
    splits = tiny.module.verified_splits("kmnist")
    assert {name: (split.rows, split.official) for name, split in splits.items()} == {
        "train": (40, True),
        "test": (13, True),
    }
    for name, split in splits.items():
        (chunk,) = tiny.module.read_chunks(split)
        np.testing.assert_array_equal(chunk.images, tiny.arrays["kmnist"][name][0])
    mirrors[0].requests.clear()
    tiny.module.load("kmnist", cache_dir=str(cache))
    assert mirrors[0].requests == mirrors[1].requests == []


# --- The caches -----------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT")
def test_no_process_destroys_the_download_of_another(tiny, mirrors, cache):
    mirrors[0].behaviour = {FILES[0]: "held"}
    mirrors[0].released.clear()
    code = PATIENT.format(cache=str(cache))
    first = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    while not [file for file in files_below(cache) if file.endswith(".incomplete")]:
        assert first.poll() is None
        time.sleep(0.05)
    (partial,) = (cache / "downloads").glob("*.incomplete")
    code = f"""
import logging
import tiny_family
logging.getLogger("filelock").setLevel(logging.DEBUG)
logging.getLogger("filelock").addHandler(logging.StreamHandler())
tiny_family.SILENCE = 60
tiny_family.datasets.config.DOWNLOADED_DATASETS_PATH = {str(cache / "downloads")!r}
print(tiny_family.verified_splits("fashion")["test"].rows)
"""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    second, third = (subprocess.Popen([sys.executable, "-c", code], **pipes) for _ in range(2))
    for process in (second, third):
        said = []
        while not any("not acquired" in line for line in said):  # it waits for the lock
            said.append(process.stderr.readline())
            assert said[-1], said
    second.send_signal(signal.SIGINT)
    assert second.communicate()[1].endswith("KeyboardInterrupt\n")
    assert partial.exists()
    mirrors[0].released.set()
    assert first.wait() == 0
    assert third.communicate()[0] == "13\n"
    assert [path for _, path in mirrors[0].requests].count(f"fashion/{FILES[0]}") == 1
    assert len(files_below(cache / "downloads")) == 4


def forget_rows(cache):
    for folder, _, files in os.walk(cache):
        for file in files:
            if not folder.endswith("downloads"):
                os.remove(os.path.join(folder, file))


@pytest.mark.release
@pytest.mark.parametrize("download_mode", [None, "reuse_cache_if_exists"])
def test_a_warm_cache_makes_no_request(load, tiny, mirrors, cache, download_mode):
    mirrors[0].behaviour = "404"  # so that the copies are the second mirror's
    load("fashion")
    for mirror in mirrors:
        mirror.requests.clear()
    assert_whole(load("fashion", download_mode=download_mode), tiny)
    forget_rows(cache)
    assert_whole(load("fashion"), tiny)
    assert_whole(load("fashion", streaming=True), tiny)
    assert mirrors[0].requests == mirrors[1].requests == []


def test_a_copy_that_a_mirror_has_decompressed_serves_streams_too(load, tiny, mirrors):
    mirrors[0].behaviour = "raw"
    load("fashion")
    mirrors[0].requests.clear()
    assert_whole(load("fashion", streaming=True), tiny)
    assert mirrors[0].requests == mirrors[1].requests == []


@pytest.mark.release
def test_force_redownload_downloads(load, tiny, mirrors):
    load("fashion")
    asked = len(mirrors[0].requests)
    assert_whole(load("fashion", download_mode="force_redownload"), tiny)
    assert len(mirrors[0].requests) == 2 * asked


def test_a_failed_force_redownload_keeps_the_good_copy(load, tiny, mirrors, cache):
    load("fashion")
    mirrors[0].behaviour = mirrors[1].behaviour = "503"
    with pytest.raises(ConnectionError, match="503"):
        load("fashion", download_mode="force_redownload")
    forget_rows(cache)
    assert_whole(load("fashion"), tiny)


OFFLINE = """
import os
os.environ["HF_DATASETS_OFFLINE"] = "1"
import datasets, tiny_family
for streaming in (False, True):
    if {way!r} == "load":
        loaded = tiny_family.load("fashion", cache_dir={cache!r}, streaming=streaming)
    else:
        settings = dict(cache_dir={cache!r}, streaming=streaming)
        loaded = datasets.load_dataset({script!r}, "fashion", **settings)
    assert sum(1 for split in loaded.values() for row in split) == 53
"""


@pytest.mark.release
@pytest.mark.parametrize("way", ["load", "load_dataset"] if SCRIPTS_LOAD else ["load"])
def test_offline_mode_takes_the_cache_or_says_what_to_do(tiny, mirrors, cache, way):
    code = OFFLINE.format(way=way, script=str(tiny.script), cache=str(cache))
    cold = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert cold.returncode == 1
    told = cold.stderr[cold.stderr.rindex("ConnectionError: ") :]
    assert f"put {', '.join(FILES)} into a folder and give it as data_dir" in told
    for mirror in mirrors:
        assert (
            f"{mirror.url}fashion/{FILES[0]}: offline mode is on, "
            "unset HF_DATASETS_OFFLINE and HF_HUB_OFFLINE to download" in told
        )
    assert mirrors[0].requests == []

    tiny.module.load("fashion", cache_dir=str(cache))
    mirrors[0].requests.clear()
    subprocess.run([sys.executable, "-c", code], check=True)
    assert mirrors[0].requests == []


def test_offline_mode_tells_a_stream_what_to_do(load, mirrors, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    with pytest.raises(
        ConnectionError,
        match=f"{FILES[0]}: offline mode is on(.|\n)*{FILES[0]}: offline mode is on",
    ):
        load("fashion", streaming=True)
    assert mirrors[0].requests == []


@pytest.mark.parametrize("streaming", [False, True])
def test_downloads_and_streams_do_without_aiohttp(tiny, mirrors, cache, streaming):
    """`datasets` itself needs it for URLs from 3.0 on, but installs it no longer."""
    code = f"""
import sys
sys.modules["aiohttp"] = None
import tiny_family
for split in tiny_family.load("fashion", cache_dir={str(cache)!r}, streaming={streaming}).values():
    print(sum(1 for row in split))
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["40", "13"]


# --- Interrupted ----------------------------------------------------------------------------------


@pytest.mark.release
@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT")
def test_an_interrupted_download_leaves_nothing_and_the_next_works(tiny, mirrors, cache):
    mirrors[0].behaviour = {FILES[0]: "silent_in_body"}
    code = PATIENT.format(cache=str(cache))
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    while not any(file.endswith(".incomplete") for file in files_below(cache)):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in stderr
    assert process.returncode == -signal.SIGINT
    assert files_below(cache / "downloads") == []
    mirrors[0].behaviour = "good"
    assert_whole(tiny.module.load("fashion", cache_dir=str(cache)), tiny)


def test_a_full_disk_is_told_and_the_next_load_works(tiny, mirrors, cache):
    code = f"""
import resource, tiny_family
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, resource.RLIM_INFINITY))  # bytes of a file
tiny_family.load('fashion', cache_dir={str(cache)!r})
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 1
    assert re.search(r"OSError: \[Errno 27\] File too large: '\S+\.incomplete'\n$", result.stderr)
    assert mirrors[1].requests == [], "the disk is full whatever mirror is asked"
    assert files_below(cache / "downloads") == []
    assert_whole(tiny.module.load("fashion", cache_dir=str(cache)), tiny)


# --- Streams --------------------------------------------------------------------------------------


@pytest.mark.release
def test_a_stream_is_one_shard_and_writes_nothing(load, tiny, mirrors, cache):
    streamed = load("fashion", streaming=True)
    assert_whole(streamed, tiny)
    assert {split: rows.n_shards for split, rows in streamed.items()} == {"train": 1, "test": 1}
    assert files_below(cache) == []


@pytest.mark.parametrize("fault", STREAMED)
def test_a_stream_is_of_the_first_mirror_that_opens(load, tiny, mirrors, fault):
    mirrors[0].behaviour = fault
    assert_whole(load("fashion", streaming=True), tiny)
    expected = set() if STREAMED[fault] is None else {f"fashion/{file}" for file in FILES}
    assert {path for _, path in mirrors[1].requests} == expected


@pytest.mark.parametrize("fault", [fault for fault, words in STREAMED.items() if words])
def test_when_no_mirror_opens_one_error_tells_all(load, tiny, mirrors, fault):
    for mirror in mirrors:
        mirror.behaviour = {"t10k-images-idx3-ubyte.gz": fault}
    with pytest.raises(ConnectionError) as caught:
        load("fashion", streaming=True)
    lines = str(caught.value).splitlines()
    assert f"put {', '.join(FILES)} into a folder and give it as data_dir" in lines[0]
    for mirror, line in zip(mirrors, lines[1:], strict=True):
        url = f"{mirror.url}fashion/t10k-images-idx3-ubyte.gz"
        assert re.fullmatch(f"  {re.escape(url)}: ({STREAMED[fault]})", line)


def test_a_stream_passes_over_a_silent_mirror_once(load, tiny, mirrors):
    mirrors[0].behaviour = "silent"
    assert_whole(load("fashion", streaming=True), tiny)
    assert mirrors[0].requests == [("GET", f"fashion/{FILES[0]}")]


@pytest.mark.parametrize("fault", LATE_FAULTS)
@pytest.mark.parametrize("file", FILES[:2])
def test_a_stream_of_wrong_bytes_ends_in_one_error(load, tiny, mirrors, fault, file):
    streamed = load("fashion", split="train", streaming=True)
    mirrors[0].behaviour = {file: fault}
    rows = []
    with pytest.raises(
        (ValueError, ConnectionError), match=rf"{mirrors[0].url}fashion/{file}: .*; \w+"
    ) as caught:
        rows.extend(streamed)
    assert len(str(caught.value).splitlines()) == 1
    assert len(rows) < 40, "the last rows are out before the end was checked"
    assert mirrors[1].requests == []


def test_a_stream_of_other_images_than_it_began_with_gives_no_row(load, mirrors):
    streamed = load("fashion", split="train", streaming=True)
    mirrors[0].behaviour = {FILES[0]: "one_row_less"}
    line = f"{mirrors[0].url}fashion/{FILES[0]}: changed, it or its labels, expected the files that"
    with pytest.raises(ValueError, match=line):
        next(iter(streamed))


def test_a_stream_that_falls_silent_ends_in_one_error(load, mirrors):
    streamed = load("fashion", split="train", streaming=True)
    mirrors[0].behaviour = {FILES[0]: "silent_in_body"}
    with pytest.raises(
        ConnectionError, match=f"{mirrors[0].url}fashion/{FILES[0]}: timed out; load again"
    ):
        list(streamed)


def test_a_mirror_that_dies_before_the_first_row_is_named(load, mirrors):
    streamed = load("fashion", split="test", streaming=True)
    mirrors[0].behaviour = "503"
    with pytest.raises(
        ConnectionError, match=f"{mirrors[0].url}fashion/{FILES[3]}: HTTP status 503; load again"
    ):
        list(streamed)


@pytest.mark.release
@pytest.mark.parametrize("split", ["train", datasets.Split.TEST])
def test_a_stream_of_one_split_asks_for_no_other(load, tiny, mirrors, split):
    assert_rows(load("fashion", split=split, streaming=True), *tiny.arrays["fashion"][str(split)])
    prefix = "train" if split == "train" else "t10k"
    assert {path for _, path in mirrors[0].requests} == {
        f"fashion/{file}" for file in FILES if file.startswith(prefix)
    }


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("split", ["train[:10]", "test[50%:]"])
def test_a_slice_of_a_stream_is_refused(load, tiny, mirrors, split, own):
    folder = {"data_dir": tiny.folder("fashion")} if own else {}
    words = (
        f"split '{re.escape(split)}': a slice, expected one of train, test; "
        "streams take no slices: use .skip"
    )
    with pytest.raises(ValueError, match=words):
        load("fashion", split=split, streaming=True, **folder)
    assert mirrors[0].requests == []


@pytest.mark.release
@pytest.mark.skipif(RELEASE < 5, reason="from `datasets` 5 on a stream may be of several splits")
@pytest.mark.parametrize("split", ["train+test", "all"])
def test_a_stream_of_several_splits_has_them_all(load, tiny, mirrors, split):
    pairs = zip(*(tiny.arrays["fashion"][split] for split in ("train", "test")), strict=True)
    assert_rows(load("fashion", split=split, streaming=True), *map(np.concatenate, pairs))


def test_a_wrong_split_of_a_stream_lists_the_right_ones(load, mirrors):
    with pytest.raises(ValueError, match=r"validation.*\['train', 'test'\]"):
        load("fashion", split="validation", streaming=True)


def test_a_builder_that_streamed_one_split_prepares_all(tiny, mirrors, cache):
    builder = tiny.module.MnistFamily(str(cache), config_name="fashion")
    assert len(list(builder.as_streaming_dataset("test"))) == 13
    builder.download_and_prepare()
    assert_whole(builder.as_dataset(), tiny)


@pytest.mark.release
def test_a_stream_is_read_again_and_twice_at_once_and_in_another_process(load, tiny, mirrors):
    streamed = load("fashion", split="test", streaming=True)
    first, second = iter(streamed), iter(streamed)
    pairs = [(one["label"], other["label"]) for one, other in zip(first, second, strict=True)]
    labels = tiny.arrays["fashion"]["test"][1].tolist()
    assert pairs == list(zip(labels, labels, strict=True))
    assert_rows(pickle.loads(pickle.dumps(streamed)), *tiny.arrays["fashion"]["test"])


def test_a_stream_left_early_ends_its_process(tiny, mirrors):
    code = """
import tiny_family
print(next(iter(tiny_family.load("fashion", "train", streaming=True)))["label"])
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=ROOT
    )
    assert (result.stdout, result.stderr) == (f"{tiny.arrays['fashion']['train'][1][0]}\n", "")


def test_a_stream_gives_rows_before_its_end_has_come(load, tiny, mirrors):
    """Of a mirror that stops in mid-body, and of a consumer that leaves in time."""
    mirrors[0].behaviour = {FILES[0]: "slow"}
    images, labels = tiny.arrays["fashion"]["train"]
    got = arrays_of(load("fashion", split="train", streaming=True).take(16))
    np.testing.assert_array_equal(got[0], images[:16])
    np.testing.assert_array_equal(got[1], labels[:16])


@pytest.mark.parametrize("streaming", [False, True])
def test_an_untrusted_certificate_is_said_so(load, mirrors, monkeypatch, streaming):
    """Python's error for it is both an OSError and a ValueError."""

    def distrust(*args, **kwargs):
        raise ssl.SSLCertVerificationError(1, "certificate verify failed: self-signed certificate")

    monkeypatch.setattr(socket, "getaddrinfo", distrust)
    reason = "SSLCertVerificationError: .*certificate verify failed: self-signed certificate.*"
    with pytest.raises(ConnectionError, match=f"\n  {mirrors[0].url}mnist/{FILES[0]}: {reason}\n"):
        load("mnist", streaming=streaming)


@pytest.mark.parametrize("streaming", [False, True])
def test_a_host_that_no_name_server_knows_is_said_so(load, mirrors, monkeypatch, streaming):
    """Asking for one would be a connection to another machine."""

    def ask_no_name_server(host, *args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    for mirror in mirrors:
        mirror.behaviour = "503"
    monkeypatch.setenv("MNIST_FAMILY_MIRROR", "http://nowhere.invalid")
    monkeypatch.setattr(socket, "getaddrinfo", ask_no_name_server)
    with pytest.raises(ConnectionError, match=f"nowhere.invalid/mnist/{FILES[0]}: unknown host\n"):
        load("mnist", streaming=streaming)
