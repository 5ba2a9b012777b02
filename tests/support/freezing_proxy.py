"""A TCP proxy that stops forwarding without closing anything, as a tunnel does that died without a word.

Or it forwards late, as a network or a server does that has too much to do; or it is lost, as a machine without power.

with FreezingProxy(server.port) as proxy:
    page.goto(proxy.base_url)
    proxy.freeze()
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import fcntl
import socket
import struct
import termios
import threading
import time
from collections.abc import Iterator
from typing import Self

MOST = 100  # connections at a time: a test that opens more has gone wild
CHUNK = 65536
JOIN_SECONDS = 5.0
# Linux' <asm-generic/socket.h>; Python's socket module does not name them.
SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27
BPF_RET = 0x06  # <linux/bpf_common.h>: with k = 0, keep no byte of the packet


class _Link:
    """One connection of a client, and the one to the server that belongs to it."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client = client
        self.server = server
        self.head = b""  # how its first request begins
        self.flows = threading.Event()
        self.flows.set()
        self.is_stranded = False

    def lose_client(self) -> None:
        """Be lost to the client, which is told nothing; the server is told."""
        self.is_stranded = True
        self.flows.clear()
        _wait_until_confirmed(self.client)
        _drop_packets(self.client)
        with contextlib.suppress(OSError):
            self.server.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self.flows.set()


class FreezingProxy:
    """Listens on a port of 127.0.0.1 and forwards to another; what is frozen stays open, and silent.

    `change` may replace words in the server's answers by others. `delay` is how many seconds late these come.
    """

    def __init__(self, port: int, *, change: tuple[bytes, bytes] | None = None) -> None:
        self._target = ("127.0.0.1", port)
        self._change = change
        self.delay = 0.0
        self._lock = threading.Lock()
        self._frozen: bytes | None = None  # how requests begin that are
        self._is_lost = False
        self._links: list[_Link] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    @property
    def base_url(self) -> str:
        """The address of the pages, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def freeze(self, request: bytes = b"") -> None:
        """Stop forwarding on all connections, those to come too, whose first request begins like this."""
        with self._lock:
            self._frozen = request
            for link in self._links:
                if link.head.startswith(request):
                    link.flows.clear()

    def thaw(self) -> None:
        """Forward again, what was held back first; stranded connections stay as they are."""
        with self._lock:
            self._frozen = None
            for link in self._links:
                if not link.is_stranded:
                    link.flows.set()

    def strand(self) -> None:
        """Never forward again on the connections that there are; new ones work. So it is after a device slept."""
        with self._lock:
            for link in self._links:
                link.is_stranded = True
                link.flows.clear()

    def cut(self) -> None:
        """Close all connections; new ones work."""
        with self._lock:
            for link in self._links:
                link.close()

    @contextlib.contextmanager
    def lost(self) -> Iterator[None]:
        """Let no packet through, and confirm none: who sends something to this address hears nothing at all.

        Afterwards new connections work, as those to another machine that got the address; the earlier ones stay lost.
        """
        with self._lock:
            self._is_lost = True
            _drop_packets(self._listener)
            for link in self._links:
                link.lose_client()
        try:
            yield
        finally:
            with self._lock:
                self._is_lost = False
                self._listener.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)

    def __enter__(self) -> Self:
        self._run(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept(), as closing it would not
        self._threads[0].join(JOIN_SECONDS)
        self.cut()
        for thread in self._threads:
            thread.join(JOIN_SECONDS)
        self._listener.close()
        assert not any(thread.is_alive() for thread in self._threads), "The proxy did not end."

    def _run(self, job: object, *arguments: object) -> None:
        thread = threading.Thread(target=job, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the end
            while True:
                client, _ = self._listener.accept()
                self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        with self._lock:
            is_full = len(self._links) >= MOST
        try:
            server = None if is_full else socket.create_connection(self._target)
        except OSError:  # it is away: the client hears of it by the close
            server = None
        if server is None:
            client.close()
            return
        link = _Link(client, server)
        with self._lock:
            self._links.append(link)
            if self._is_lost:  # it was on its way in
                link.lose_client()
        self._run(self._forward, link)

    def _forward(self, link: _Link) -> None:
        """Forward both ways until one side ends, then close both; one thread more for the way back."""
        back = threading.Thread(target=self._pump, args=(link, link.server, link.client), daemon=True)
        back.start()
        self._pump(link, link.client, link.server)
        back.join()
        with self._lock:
            self._links.remove(link)
            link.client.close()
            link.server.close()

    def _pump(self, link: _Link, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                if source is link.client and not link.head:
                    self._begin(link, data)
                if source is link.server:
                    time.sleep(self.delay)
                    data = data if self._change is None else data.replace(*self._change)
                link.flows.wait()
                sink.sendall(data)
        link.flows.wait()  # an end is news too
        link.close()

    def _begin(self, link: _Link, data: bytes) -> None:
        with self._lock:
            link.head = data
            if self._frozen is not None and data.startswith(self._frozen):
                link.flows.clear()


def _wait_until_confirmed(end: socket.socket) -> None:
    """Wait until the other side has all that was sent: else the kernel would send it again, and be heard."""
    deadline = time.monotonic() + JOIN_SECONDS
    unconfirmed = array.array("i", [1])
    while unconfirmed[0] and time.monotonic() < deadline:
        fcntl.ioctl(end, termios.TIOCOUTQ, unconfirmed)


def _drop_packets(end: socket.socket) -> None:
    """Have the kernel drop whatever comes for a socket, before TCP confirms it."""
    program = ctypes.create_string_buffer(struct.pack("HBBI", BPF_RET, 0, 0, 0))  # struct sock_filter
    end.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(program)))
