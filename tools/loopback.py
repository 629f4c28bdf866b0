"""Bring the loopback interface up where it is down: a kernel talks to its client over it, network or not.

A new network namespace, which is how one runs a command with the network off (`unshare -rn make book`), starts with
every interface down, this one too. Elsewhere it is up, and nothing is done.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys

_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1  # SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP of Linux
_REQUEST = "16sh14x"  # struct ifreq: name, flags


def ensure_loopback() -> bool:
    """True when the interface is up, or was brought up; False where it is down and may not be, or not on Linux."""
    if not sys.platform.startswith("linux"):
        return False
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        _, flags = struct.unpack(_REQUEST, fcntl.ioctl(probe, _GET_FLAGS, struct.pack(_REQUEST, b"lo", 0)))
        if not flags & _UP:
            fcntl.ioctl(probe, _SET_FLAGS, struct.pack(_REQUEST, b"lo", flags | _UP))
        return True
    return False


if __name__ == "__main__":
    ensure_loopback()
