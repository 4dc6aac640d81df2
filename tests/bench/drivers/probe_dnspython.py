"""Ask all the servers of many transfers with dnspython, one query after the other. Arguments: how many transfers, the ports.

Prints how many questions were answered, and the CPU and the wall seconds that the asking took.
"""

from __future__ import annotations

import sys
import time

import dns.message
import dns.query
import dns.rcode

from tests.bench.probing import questions


def main(transfers: int, *ports: int) -> None:
    count, cpu, wall = 0, time.process_time(), time.perf_counter()
    for number in range(transfers):
        for place, owner, rdtype in questions(number):
            query = dns.message.make_query(owner, rdtype, flags=0, want_dnssec=True, payload=1232)
            reply, _ = dns.query.udp_with_fallback(query, "127.0.0.1", port=ports[place], timeout=5)
            count += reply.rcode() == dns.rcode.NOERROR
    print(count, time.process_time() - cpu, time.perf_counter() - wall)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
