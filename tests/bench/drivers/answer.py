"""Name servers on the loopback for a signed domain of any name of one length, fast enough not to be what is measured.

Arguments: how many servers, and how many milliseconds an answer takes. Prints their ports, and serves until its standard
input ends. Each answers as a server of an operator, and a DS query and an NS query for a name below the apex ``p.`` as the
parent's: see :func:`tests.bench.probing`.
"""

from __future__ import annotations

import heapq
import selectors
import socket
import sys
import time

import dns.message
import dns.rrset
from dns.flags import Flag

_HEADER, _TAIL = 12, 4
_KEY = "A" * 86 + "=="
_SIGNATURE = "{} 13 2 3600 20361120000000 20261120000000 4711 {} " + _KEY


def _signed(*lines: str) -> list[str]:
    owner, ttl, rdtype, _ = lines[0].split(None, 3)
    return [*lines, f"{owner} {ttl} RRSIG {_SIGNATURE.format(rdtype, owner)}"]


def _replies(domain: str) -> dict[tuple[bool, str], tuple[str, list[str], list[str]]]:
    """By whether it is the parent's and the type: flags, answer and authority."""
    soa = f"{domain} 900 SOA ns1.{domain} hostmaster.{domain} 2026112100 7200 3600 1209600 900"
    ns = [f"{domain} 86400 NS ns{number}.operator.example." for number in (1, 2)]
    keys = [f"{domain} 3600 {{}} {flags} 3 13 {_KEY}" for flags in (256, 257)]
    ds = f"4711 13 2 {'ab' * 32}"
    denial = [*_signed(soa), *_signed(f"{domain} 900 NSEC a.{domain} NS SOA RRSIG NSEC DNSKEY CDS CDNSKEY")]
    return {
        (False, "SOA"): ("AA", _signed(soa), []),
        (False, "NS"): ("AA", _signed(*ns), []),
        (False, "DNSKEY"): ("AA", _signed(*[key.format("DNSKEY") for key in keys]), []),
        (False, "CDS"): ("AA", _signed(f"{domain} 3600 CDS {ds}"), []),
        (False, "CDNSKEY"): ("AA", _signed(keys[1].format("CDNSKEY")), []),
        (False, "CSYNC"): ("AA", [], denial),
        (True, "NS"): ("", [], [*ns, *_signed(f"{domain} 3600 DS {ds}")]),
        (True, "DS"): ("AA", _signed(f"{domain} 3600 DS {ds}"), []),
    }


def _record(line: str) -> dns.rrset.RRset:
    owner, ttl, rdtype, rdata = line.split(None, 3)
    return dns.rrset.from_text(owner, int(ttl), "IN", rdtype, rdata)


def _templates(domain: str) -> dict[tuple[bool, bytes], tuple[bytes, bytes]]:
    """What stands between the identity and the question, and after it; owners are pointers to the question."""
    made = {}
    for (of_parent, rdtype), (flags, answer, authority) in _replies(domain).items():
        message = dns.message.make_response(dns.message.make_query(domain, rdtype, want_dnssec=True))
        message.flags = Flag.QR | (Flag[flags] if flags else Flag(0))
        message.answer, message.authority = [_record(line) for line in answer], [_record(line) for line in authority]
        octets = message.to_wire()
        end = octets.index(b"\x00", _HEADER) + 1 + _TAIL
        made[of_parent, octets[end - _TAIL : end]] = octets[2:_HEADER], octets[end:]
    return made


def main(operators: int, parents: int, milliseconds: int) -> None:
    templates = _templates("d00000.example.")
    due: list[tuple[float, int, socket.socket, bytes, tuple[str, int]]] = []
    with selectors.DefaultSelector() as selector:
        ports = []
        for number in range(operators + parents):
            server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**22)
            server.bind(("127.0.0.1", 0))
            server.setblocking(False)
            selector.register(server, selectors.EVENT_READ, number >= operators)
            ports.append(server.getsockname()[1])
        selector.register(sys.stdin, selectors.EVENT_READ)
        print(*ports, flush=True)
        count = 0
        while True:
            wait = max(0.0, due[0][0] - time.monotonic()) if due else None
            for key, _ in selector.select(wait):
                if key.fileobj is sys.stdin:
                    return
                server = key.fileobj
                try:
                    for _ in range(64):
                        query, client = server.recvfrom(4096)
                        end = query.index(b"\x00", _HEADER) + 1 + _TAIL
                        head, rest = templates[key.data, query[end - _TAIL : end]]
                        reply = query[:2] + head + query[_HEADER:end] + rest
                        if milliseconds:
                            count += 1
                            at = time.monotonic() + milliseconds / 1000
                            heapq.heappush(due, (at, count, server, reply, client))
                        else:
                            server.sendto(reply, client)
                except BlockingIOError:
                    pass
            while due and due[0][0] <= time.monotonic():
                _, _, server, reply, client = heapq.heappop(due)
                server.sendto(reply, client)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
