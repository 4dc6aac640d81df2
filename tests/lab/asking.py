"""One question to one server."""

from __future__ import annotations

from typing import Final

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
from dns.name import Name

from tests.lab.addresses import DNS_PORT

TIMEOUT_SECONDS: Final = 5.0


def query(
    address: str,
    name: str | Name,
    rdtype: str,
    *,
    recursion: bool = True,
    checking: bool = True,
    timeout: float = TIMEOUT_SECONDS,
) -> dns.message.Message:
    """Ask once, with the DO bit, and the CD bit where nothing is to be checked; by TCP where the answer was cut off.

    Raises:
        dns.exception.Timeout: no answer.
    """
    question = dns.message.make_query(name, rdtype, want_dnssec=True)
    if not recursion:
        question.flags &= ~dns.flags.RD
    if not checking:
        question.flags |= dns.flags.CD
    response, _ = dns.query.udp_with_fallback(question, address, timeout=timeout, port=DNS_PORT)
    return response


def is_answering(address: str) -> bool:
    """Whether anything comes back, be it REFUSED."""
    try:
        query(address, ".", "SOA", recursion=False, timeout=1)
    except (dns.exception.Timeout, OSError):
        return False
    return True


def serial_at(address: str, origin: str | Name) -> int | None:
    """The SOA serial that an authoritative server has of a zone, or None where it does not answer for it."""
    try:
        response = query(address, origin, "SOA", recursion=False, timeout=1)
    except (dns.exception.Timeout, OSError):
        return None
    if response.rcode() != dns.rcode.NOERROR or not response.flags & dns.flags.AA:
        return None
    for rrset in response.answer:
        if rrset.rdtype == dns.rdatatype.SOA:
            return int(rrset[0].serial)
    return None
