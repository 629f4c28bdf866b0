"""Miniatures of the official layouts, and a small server on the loopback address to fetch them from."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import soundfile
from hypothesis import settings

from audiolab.data.catalogue import RemoteFile
from audiolab.data.urbansound8k import CLASSES

settings.register_profile("steady", derandomize=True, deadline=None)  # the same examples every time
settings.load_profile("steady")


class Host(ThreadingHTTPServer):
    """Serves `files`; counts requests, may stop half-way or not know ranges, as hosts do."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.asked: list[tuple[str, str | None]] = []  # name, range
        self.stop_after: int | None = None
        self.knows_ranges = True
        self.announces_length = True

    def remote(self, name, content, *, md5=None, n_bytes=None):
        """Put a file on the host and describe it as the catalogue would."""
        self.files[name] = content
        address = f"http://127.0.0.1:{self.server_address[1]}/{name}"
        return RemoteFile(name, address, md5 or hashlib.md5(content).hexdigest(), n_bytes)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        host: Host = self.server
        name, wanted = self.path.lstrip("/"), self.headers.get("Range")
        host.asked.append((name, wanted))
        if name not in host.files:
            self.send_error(404)
            return
        content = host.files[name]
        tag = f'"{hashlib.sha256(content).hexdigest()[:8]}"'
        first = 0
        if wanted and host.knows_ranges and self.headers.get("If-Range") in (None, tag):
            first = int(wanted.removeprefix("bytes=").rstrip("-"))
        if first >= len(content) > 0 and first:
            self.send_error(416)
            return
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        if host.knows_ranges:
            self.send_header("ETag", tag)
        rest = content[first:]
        if host.announces_length:
            self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest if host.stop_after is None else rest[: host.stop_after])

    def log_message(self, *_):
        pass


@pytest.fixture
def host(monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Host()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def urbansound8k(tmp_path, tone):
    """Four excerpts as UrbanSound8K keeps them: rates, depths and channels differ."""
    folder = tmp_path / "UrbanSound8K"
    (folder / "metadata").mkdir(parents=True)
    lines = ["slice_file_name,fsID,start,end,salience,fold,classID,class"]
    rows = [("100-3-0-0", 1, 3, 44100, 2, "PCM_16", 1), ("100-3-0-1", 1, 3, 48000, 1, "PCM_24", 2),
            ("200-0-0-0", 2, 0, 96000, 1, "FLOAT", 1), ("300-9-1-2", 10, 9, 11025, 1, "PCM_U8", 2)]  # fmt: skip
    for name, fold, target, rate, channels, subtype, salience in rows:
        (folder / "audio" / f"fold{fold}").mkdir(parents=True, exist_ok=True)
        sound = tone(rate // 2, rate, channels=channels)
        soundfile.write(folder / "audio" / f"fold{fold}" / f"{name}.wav", sound, rate, subtype=subtype)
        recording = name.split("-")[0]
        lines.append(f"{name}.wav,{recording},0.0,0.5,{salience},{fold},{target},{CLASSES[target]}")
    (folder / "metadata" / "UrbanSound8K.csv").write_text("\n".join(lines) + "\n")
    return tmp_path
