"""With the network off, a process can still talk to itself."""

import shutil
import subprocess
import sys

import pytest

from tools.chapters import ROOT
from tools.loopback import ensure_loopback

TALK = """
import socket
{before}
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname(), timeout=5).close()
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="namespaces are Linux's")
def test_an_interface_that_is_down_is_brought_up():
    assert ensure_loopback()
    off = ["unshare", "-rn"]
    if not shutil.which("unshare") or subprocess.run([*off, "true"], capture_output=True).returncode:
        pytest.skip("no network namespaces for this user")
    for before, works in (("", False), ("from tools.loopback import ensure_loopback; assert ensure_loopback()", True)):
        code = TALK.format(before=before)
        done = subprocess.run([*off, sys.executable, "-c", code], capture_output=True, cwd=ROOT, timeout=60)
        assert (done.returncode == 0) == works, done.stderr
