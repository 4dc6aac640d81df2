"""Name servers on the loopback for a signed domain of any name of one length, fast enough not to be what is measured.

Arguments: how many servers of operators, how many of the parent, and how many milliseconds an answer takes. Prints their
ports, and serves until its standard input ends. Signatures have the size of real ones and are none.
"""

from __future__ import annotations

import functools
import heapq
import itertools
import selectors
import socket
import sys
import time
from collections.abc import Callable, Iterable
from typing import Final

import dns.message
import dns.rrset
from dns.flags import Flag

HEADER: Final = 12
_QUESTION_TAIL: Final = 4
_AT_A_TIME: Final = 64
_KEY: Final = "A" * 86 + "=="
_SIGNATURE: Final = "{} 13 2 3600 20361120000000 20261120000000 4711 {} " + _KEY


def _signed(*lines: str) -> list[str]:
    owner, ttl, rdtype, _ = lines[0].split(None, 3)
    return [*lines, f"{owner} {ttl} RRSIG {_SIGNATURE.format(rdtype, owner)}"]


def _contents(domain: str) -> dict[tuple[bool, str], tuple[str, list[str], list[str]]]:
    """By whether it is the parent's and the type: flags, answer and authority."""
    soa = f"{domain} 900 SOA ns1.{domain} hostmaster.{domain} 2026112100 7200 3600 1209600 900"
    ns = [f"{domain} 86400 NS ns{number}.operator.example." for number in (1, 2)]
    keys = [f"{domain} 3600 {{}} {flags} 3 13 {_KEY}" for flags in (256, 257)]
    ds = f"4711 13 2 {'ab' * 32}"
    above = domain.partition(".")[2]
    above_soa = f"{above} 900 SOA ns1.{above} hostmaster.{above} 2026112100 7200 3600 1209600 900"
    denial = [*_signed(soa), *_signed(f"{domain} 900 NSEC a.{domain} NS SOA RRSIG NSEC DNSKEY CDS CDNSKEY")]
    return {
        (False, "SOA"): ("AA", _signed(soa), []),
        (False, "NS"): ("AA", _signed(*ns), []),
        (False, "DNSKEY"): ("AA", _signed(*[key.format("DNSKEY") for key in keys]), []),
        (False, "CDS"): ("AA", _signed(f"{domain} 3600 CDS {ds}"), []),
        (False, "CDNSKEY"): ("AA", _signed(keys[1].format("CDNSKEY")), []),
        (False, "CSYNC"): ("AA", [], denial),
        (True, "NS"): ("QR", [], [*ns, *_signed(f"{domain} 3600 DS {ds}")]),
        (True, "DS"): ("AA", _signed(f"{domain} 3600 DS {ds}"), []),
        (True, "SOA"): ("AA", _signed(above_soa), []),
    }


def replies(domain: str) -> dict[tuple[bool, str], bytes]:
    """Every reply about a domain, by whether it is the parent's and the type."""
    made = {}
    for (of_parent, rdtype), (flag, answer, authority) in _contents(domain).items():
        owner = domain.partition(".")[2] if of_parent and rdtype == "SOA" else domain
        message = dns.message.make_response(dns.message.make_query(owner, rdtype, want_dnssec=True))
        message.flags = Flag.QR | Flag[flag]
        message.answer, message.authority = [record(line) for line in answer], [record(line) for line in authority]
        made[of_parent, rdtype] = message.to_wire()
    return made


def record(line: str) -> dns.rrset.RRset:
    owner, ttl, rdtype, rdata = line.split(None, 3)
    return dns.rrset.from_text(owner, int(ttl), "IN", rdtype, rdata)


def question_end(octets: bytes) -> int:
    return octets.index(b"\x00", HEADER) + 1 + _QUESTION_TAIL


class _Answering:
    """What to send back: the reply about one domain, with the question's name in place of its own.

    Owners in the reply are pointers to the question, so that they change with it.
    """

    def __init__(self) -> None:
        self._parts = {}
        for (of_parent, _), octets in replies("d00000.example.").items():
            end = question_end(octets)
            self._parts[of_parent, octets[end - _QUESTION_TAIL : end]] = octets[2:HEADER], octets[end:]

    def reply(self, query: bytes, *, of_parent: bool) -> bytes:
        end = question_end(query)
        head, rest = self._parts[of_parent, query[end - _QUESTION_TAIL : end]]
        return query[:2] + head + query[HEADER:end] + rest


def _listen() -> socket.socket:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**22)
    server.bind(("127.0.0.1", 0))
    server.setblocking(False)
    return server


def serve(replying: Iterable[Callable[[bytes], bytes]], milliseconds: int) -> None:
    """Run a name server for each of these, which make a reply of a query; prints the ports, and ends with standard input."""
    turn = itertools.count()
    due: list[tuple[float, int, socket.socket, bytes, tuple[str, int]]] = []
    servers = {_listen(): reply for reply in replying}
    with selectors.DefaultSelector() as selector:
        for each in (sys.stdin, *servers):
            selector.register(each, selectors.EVENT_READ)
        print(*[server.getsockname()[1] for server in servers], flush=True)
        while True:
            ready = selector.select(max(0.0, due[0][0] - time.monotonic()) if due else None)
            for key, _ in ready:
                if key.fileobj is sys.stdin:
                    return
                server = key.fileobj
                assert isinstance(server, socket.socket)
                try:
                    for _ in range(_AT_A_TIME):
                        query, client = server.recvfrom(4096)
                        at = time.monotonic() + milliseconds / 1000
                        heapq.heappush(due, (at, next(turn), server, servers[server](query), client))
                except BlockingIOError:
                    pass
            while due and due[0][0] <= time.monotonic():
                _, _, server, reply, client = heapq.heappop(due)
                server.sendto(reply, client)


def main(operators: int, parents: int, milliseconds: int) -> None:
    answering = _Answering()
    of_parent = [number >= operators for number in range(operators + parents)]
    serve([functools.partial(answering.reply, of_parent=each) for each in of_parent], milliseconds)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
