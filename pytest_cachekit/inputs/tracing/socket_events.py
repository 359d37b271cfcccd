"""Audit events of connections: those that stay inside of this process are no inputs."""

from __future__ import annotations

import weakref
from typing import Any

from .callers import is_machinery
from .file_events import absolute
from .recorder import Recorder

_LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0", "::ffff:127.")  # noqa: S104  nothing is bound


class Servers:
    """The sockets of this process that others can connect to."""

    def __init__(self) -> None:
        self._sockets: weakref.WeakSet[Any] = weakref.WeakSet()
        self._ports: set[int] = set()

    def bound(self, _recorder: Recorder, arguments: tuple[Any, ...]) -> None:
        """Note that a socket gets an address."""
        socket, address = arguments[:2]
        if isinstance(address, tuple) and len(address) > 1:
            if address[1]:
                self._ports.add(address[1])
            else:
                # The kernel chooses the port; who wants to know must ask the socket.
                self._sockets.add(socket)

    def connected(self, recorder: Recorder, arguments: tuple[Any, ...]) -> None:
        """Note that a socket is connected, or a packet sent."""
        if is_machinery(3):
            # Plugins whose workers talk to their controller.
            return
        address = arguments[1]
        if isinstance(address, tuple) and address:
            host = str(address[0])
            if not host.startswith(_LOOPBACK):
                recorder.current.refuse_unless_declared(f"connects to {host}")
            elif not self._has(address[1]):
                recorder.current.refuse_unless_declared(f"connects to a server on {host}")
            return
        name = absolute(address)
        if name is not None and recorder.writes.creator(name) is None:
            recorder.current.refuse_unless_declared(f"connects to the socket {name}")

    def _has(self, port: int) -> bool:
        if port not in self._ports:
            for socket in self._sockets:
                try:
                    self._ports.add(socket.getsockname()[1])
                except OSError:
                    continue  # closed
        return port in self._ports


def looked_up(recorder: Recorder, arguments: tuple[Any, ...]) -> None:
    """Note that the address of a host is asked for."""
    host = arguments[0]
    if host is None or is_machinery(3):
        return
    text = host.decode("latin-1") if isinstance(host, bytes) else str(host)
    if text and not text.startswith(_LOOPBACK):
        recorder.current.refuse_unless_declared(f"looks up the address of {text}")
