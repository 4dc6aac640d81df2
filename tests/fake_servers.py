"""Name servers on the loopback that say what a test tells them to, by UDP and TCP on one ephemeral port."""

from __future__ import annotations

import contextlib
import functools
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeAlias

import dns.message
import dns.rcode
import dns.rrset
from dns.flags import Flag

from zonekit.transfer.answers import Server
from zonekit.transfer.versions import Source

LOOPBACK: Final = "127.0.0.1"
_TRIES: Final = 20
_SHUTDOWN_SECONDS: Final = 10.0
_BUFFER: Final = 65535
_CONNECTIONS: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """One query as it reached a server.

    Attributes:
        octets: the query as it came.
        query: the same as a message.
        by_tcp: whether it came by TCP.
        client: from which address and port.
        send: sends octets back, as one datagram or with their length before them.
        hold: by TCP, keeps the connection until the client leaves it.
    """

    octets: bytes
    query: dns.message.Message
    by_tcp: bool
    client: tuple[str, int]
    send: Callable[[bytes], object]
    hold: Callable[[], object] = lambda: None


Script: TypeAlias = Callable[[Asking], object]


class FakeServer:
    """A server that calls its script for each query; without a reply it stays silent, and closes a TCP connection."""

    def __init__(self, script: Script, address: str = LOOPBACK, *, listens: bool = True) -> None:
        self.script = script
        self.askings: list[Asking] = []
        self.address = address
        self._udp, self._tcp = _sockets_on_one_port(address)
        self.port: int = self._udp.getsockname()[1]
        works = [self._serve_udp]
        if listens:  # else the port is taken and connections are refused
            self._tcp.listen()
            works.append(self._serve_tcp)
        self._threads = [threading.Thread(target=work, daemon=True) for work in works]

    def server(self, source: Source, name: str = "ns1.example.net") -> Server:
        """Return it as one that is to be asked."""
        return Server(source=source, name=name, address=self.address, port=self.port)

    def __enter__(self) -> FakeServer:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._udp, self._tcp):
            with contextlib.suppress(OSError):  # a datagram socket is not connected, and wakes up all the same
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(_SHUTDOWN_SECONDS)
        for each in (self._udp, self._tcp):
            each.close()
        assert not any(thread.is_alive() for thread in self._threads)

    def _take(self, asking: Asking) -> None:
        self.askings.append(asking)
        self.script(asking)

    def _serve_udp(self) -> None:
        while True:
            octets, client = self._udp.recvfrom(_BUFFER)
            if not octets:
                return
            self._take(
                Asking(
                    octets=octets,
                    query=dns.message.from_wire(octets),
                    by_tcp=False,
                    client=client[:2],
                    send=functools.partial(self._answer, client),
                )
            )

    def _answer(self, client: tuple[str, int], octets: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):  # the server has been stopped meanwhile
            self._udp.sendto(octets, client)

    def _serve_tcp(self) -> None:
        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            while True:
                try:
                    connection, client = self._tcp.accept()
                except OSError:
                    return
                pool.submit(self._serve_connection, connection, client[:2])

    def _serve_connection(self, connection: socket.socket, client: tuple[str, int]) -> None:
        with connection, connection.makefile("rb") as stream:
            connection.settimeout(_SHUTDOWN_SECONDS)
            octets = stream.read(int.from_bytes(stream.read(2), "big"))
            self._take(
                Asking(
                    octets=octets,
                    query=dns.message.from_wire(octets),
                    by_tcp=True,
                    client=client,
                    send=lambda data: connection.sendall(len(data).to_bytes(2, "big") + data),
                    hold=lambda: stream.read(1),
                )
            )


def _sockets_on_one_port(address: str) -> tuple[socket.socket, socket.socket]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for _ in range(_TRIES):
        udp, tcp = socket.socket(family, socket.SOCK_DGRAM), socket.socket(family, socket.SOCK_STREAM)
        udp.bind((address, 0))
        with contextlib.suppress(OSError):  # somebody has that port for TCP
            tcp.bind((address, udp.getsockname()[1]))
            return udp, tcp
        udp.close()
        tcp.close()
    raise AssertionError("no port is free for both UDP and TCP")


@contextlib.contextmanager
def serving(*scripts: Script) -> Iterator[tuple[FakeServer, ...]]:
    """Run a server for each script."""
    with contextlib.ExitStack() as stack:
        yield tuple(stack.enter_context(FakeServer(script)) for script in scripts)


def response(
    query: dns.message.Message,
    *,
    answer: Iterable[str] = (),
    authority: Iterable[str] = (),
    additional: Iterable[str] = (),
    flags: str = "AA",
    code: str = "NOERROR",
) -> dns.message.Message:
    """Return a response with these records, each with a TTL of its own, and these flags beside QR."""
    made = dns.message.make_response(query, our_payload=1232)
    made.flags = Flag.QR
    for flag in flags.split():
        made.flags |= Flag[flag]
    made.set_rcode(dns.rcode.from_text(code))
    made.answer = [_record(line) for line in answer]
    made.authority = [_record(line) for line in authority]
    made.additional = [_record(line) for line in additional]
    return made


def _record(line: str) -> dns.rrset.RRset:
    owner, ttl, rdtype, rdata = line.split(None, 3)
    return dns.rrset.from_text(owner, int(ttl), "IN", rdtype, rdata)
