"""Tell the service manager how it goes: the notification protocol of systemd, a datagram to a local socket.

Without `$NOTIFY_SOCKET` (a terminal, a container) every call does nothing.
Source: man sd_notify, man sd_watchdog_enabled.
"""

from __future__ import annotations

import os
import socket


def notify(*states: str) -> bool:
    """Send states such as `READY=1`; return whether somebody was there to hear it."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    # A leading @ stands for the zero byte of Linux' abstract sockets.
    path = "\0" + address[1:] if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            # A manager that does not read must not hold the work: the queue of such a socket has ten places.
            channel.setblocking(False)
            channel.sendto("\n".join(states).encode(), path)
    except OSError:
        return False  # the manager went away, or does not listen: the work goes on
    return True


def watchdog_seconds() -> float | None:
    """Return the span within which the manager expects a sign of life, None if it expects none."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    return int(microseconds) / 1e6 if microseconds.isdigit() else None
