from __future__ import annotations

import errno
import gzip
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from zerosum.data import DataError
from zerosum.data.download import fetch, sha256_unpacked

GOOD = bytes(range(256)) * 20_000  # 5 MB, several chunks
SHA256 = hashlib.sha256(GOOD).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """/good sends the file; the other paths are the ways in which a mirror fails."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path == "/missing":
            self.send_error(404)
            return
        body = {"/tampered": b"x" + GOOD[1:], "/packed": gzip.compress(GOOD), "/badgzip": gzip.compress(GOOD)[:-9]}.get(
            self.path, GOOD
        )
        self.send_response(200)
        if self.path != "/nolength":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if self.path == "/truncated" else body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Handler.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}"
        httpd.shutdown()
        thread.join()


def test_a_good_file_arrives_whole_and_its_progress_is_told(server: str, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    path = fetch([f"{server}/good"], tmp_path / "a" / "file.bin", SHA256, progress=lambda *now: told.append(now))
    assert path.read_bytes() == GOOD
    assert told[-1] == ("downloading file.bin", len(GOOD), len(GOOD)) and len(told) > 1
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert [entry.name for entry in path.parent.iterdir()] == ["file.bin"]


def test_a_file_of_unknown_length_is_accepted_by_its_checksum(server: str, tmp_path: Path) -> None:
    told: list[int] = []
    fetch([f"{server}/nolength"], tmp_path / "f", SHA256, progress=lambda _what, _done, total: told.append(total))
    assert set(told) == {0}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("truncated", "truncated"),
        ("tampered", "wrong checksum"),
        ("missing", "HTTP Error 404"),
        ("badgzip", "checksum"),
    ],
)
def test_a_bad_file_is_refused_and_deleted(server: str, tmp_path: Path, fault: str, reason: str) -> None:
    with pytest.raises(DataError, match=reason) as caught:
        fetch([f"{server}/{fault}"], tmp_path / "f", SHA256)
    assert f"{server}/{fault}" in str(caught.value) and f"put the file at {tmp_path / 'f'} by hand" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fault", ["missing", "truncated", "tampered"])
def test_the_next_mirror_is_tried(server: str, tmp_path: Path, fault: str) -> None:
    assert fetch([f"{server}/{fault}", f"{server}/good"], tmp_path / "f", SHA256).read_bytes() == GOOD
    assert Handler.asked == [f"/{fault}", "/good"]


def test_a_dead_mirror_is_passed_over(server: str, tmp_path: Path) -> None:
    assert fetch(["http://127.0.0.1:1/f", f"{server}/good"], tmp_path / "f", SHA256).is_file()


def test_a_checksum_of_the_unpacked_content(server: str, tmp_path: Path) -> None:
    path = fetch([f"{server}/badgzip", f"{server}/packed"], tmp_path / "f.gz", SHA256, digest=sha256_unpacked)
    assert gzip.decompress(path.read_bytes()) == GOOD


def test_a_good_file_is_not_lost_when_a_later_download_fails(server: str, tmp_path: Path) -> None:
    path = fetch([f"{server}/good"], tmp_path / "f", SHA256)
    with pytest.raises(DataError):
        fetch([f"{server}/tampered"], path, SHA256)
    assert path.read_bytes() == GOOD


def test_a_full_disk_names_the_folder(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DataError, match=r"cannot write .*No space left on device; free some space") as caught:
        fetch([f"{server}/good", f"{server}/good"], tmp_path / "f", SHA256)
    assert str(tmp_path) in str(caught.value) and Handler.asked == ["/good"]  # another mirror would not help
    assert list(tmp_path.iterdir()) == []
