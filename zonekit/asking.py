"""One question to one server: over UDP, over TCP where the answer is truncated, checked, and typed.

A server that cannot be reached, keeps silent or answers something else is no error here: that is an answer of its own,
:class:`NoAnswer`, for whoever asked to judge.
"""

from __future__ import annotations

import enum
import ipaddress
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from zonekit import rdata as rd
from zonekit.errors import DomainNameError, ProbeError
from zonekit.names import WireName, from_wire_name, parse_origin

if TYPE_CHECKING:
    import dns.message

DNS_PORT: Final = 53
PAYLOAD_OCTETS: Final = 1232
DEFAULT_TIMEOUT: Final = timedelta(seconds=3)
_HIGHEST_PORT: Final = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A name server, by an address of it.

    Attributes:
        name: what messages call it.
        address: an IPv4 or IPv6 address.
        port: where it answers, over UDP and TCP.
    """

    name: str
    address: str
    port: int = DNS_PORT

    def __post_init__(self) -> None:
        try:
            ipaddress.ip_address(self.address)
        except ValueError:
            raise ProbeError(
                f"server {self.name}: {ascii(self.address[:60])} is no IP address", remedy="give its address"
            ) from None
        if not 0 < self.port <= _HIGHEST_PORT:
            raise ProbeError(
                f"server {self.name}: {self.port} is no port", remedy=f"give one from 1 to {_HIGHEST_PORT}"
            )

    def __str__(self) -> str:
        place = self.address if self.port == DNS_PORT else f"{self.address}@{self.port}"
        return place if self.name == self.address else f"{self.name} ({place})"


class Silence(enum.Enum):
    """Why there is no answer.

    TIMEOUT: nothing came in time.
    UNREACHABLE: the system could not send the question, or nobody listens there.
    GARBLED: what came is no answer to the question.
    REFUSED: the server answers with an error code.
    NOT_AUTHORITATIVE: the server answers, and not for the zone.
    """

    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    GARBLED = "garbled"
    REFUSED = "refused"
    NOT_AUTHORITATIVE = "not authoritative"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer:
    """That a server gave no answer, and why.

    Attributes:
        silence: the kind.
        detail: the same in words, to stand after the name of the server.
    """

    silence: Silence
    detail: str


Lookup = Callable[[str], list[str]]
"""What returns the addresses of a host."""


def addresses_of(host: str) -> list[str]:
    """Return the addresses of a host by the system's resolver, of the kinds that this machine has itself.

    Raises:
        ProbeError: it has none, or cannot be looked up.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM, flags=socket.AI_ADDRCONFIG)
    except OSError as error:
        raise ProbeError(
            f"server {host}: its address cannot be found: {error.strerror or error}", remedy="give it as NAME=ADDRESS"
        ) from None
    return list(dict.fromkeys(str(each[4][0]) for each in found))


_SERVER: Final = re.compile(r"(?P<name>[^=@]+)(=(?P<address>[^=@]+))?(@(?P<port>[0-9]{1,5}))?", re.ASCII)


def parse_servers(text: str, *, lookup: Lookup = addresses_of) -> tuple[Server, ...]:
    """Return the servers that ``NAME[=ADDRESS][@PORT]`` stands for: one for each address where the name is looked up.

    Raises:
        ProbeError: it cannot be read so, or the name has no address.

    >>> parse_servers("ns1.example.net=192.0.2.1@5353")
    (Server(name='ns1.example.net', address='192.0.2.1', port=5353),)
    >>> str(*parse_servers("2001:db8::53"))
    '2001:db8::53'
    """
    read = _SERVER.fullmatch(text)
    if read is None:
        raise ProbeError(
            f"{ascii(text[:80])} names no server", remedy="write it as NAME, NAME=ADDRESS or NAME=ADDRESS@PORT"
        )
    name, port = read["name"], int(read["port"] or DNS_PORT)
    addresses = [read["address"]] if read["address"] else [name] if _is_address(name) else lookup(_host(name))
    return tuple(Server(name=name, address=address, port=port) for address in addresses)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _host(name: str) -> str:
    try:
        parse_origin(name)
    except DomainNameError as error:
        raise ProbeError(f"server {ascii(name[:80])}: {error.problem}", remedy=error.remedy, rule=error.rule) from None
    return name


def ask(
    server: Server, name: WireName, rdtype: int, *, timeout: timedelta = DEFAULT_TIMEOUT
) -> dns.message.Message | NoAnswer:
    """Return the authoritative answer of a server, or why there is none. Recursion is not asked for.

    Args:
        server: who is asked.
        name: about which name.
        rdtype: for which type.
        timeout: for UDP and TCP together.
    """
    # dnspython's transport brings TLS and HTTP with it, and many a command may ask and does not.
    import dns.exception
    import dns.flags
    import dns.message
    import dns.query
    import dns.rcode
    import dns.rdatatype

    question = dns.message.make_query(
        from_wire_name(name), dns.rdatatype.RdataType(rdtype), use_edns=0, payload=PAYLOAD_OCTETS, flags=0
    )
    try:
        reply, _ = dns.query.udp_with_fallback(
            question,
            server.address,
            timeout=timeout.total_seconds(),
            port=server.port,
            ignore_unexpected=True,
            ignore_errors=True,
        )
    except dns.exception.Timeout:
        return NoAnswer(silence=Silence.TIMEOUT, detail=f"does not answer within {timeout.total_seconds():g} s")
    except dns.exception.DNSException as error:
        return NoAnswer(silence=Silence.GARBLED, detail=f"gives no answer to the question ({type(error).__name__})")
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or str(error) or "connection closed"
        return NoAnswer(silence=Silence.UNREACHABLE, detail=f"cannot be reached: {reason[:1].lower()}{reason[1:]}")
    if reply.rcode() != dns.rcode.NOERROR:
        return NoAnswer(silence=Silence.REFUSED, detail=f"answers {dns.rcode.to_text(reply.rcode())}")
    if not reply.flags & dns.flags.AA:
        return NoAnswer(silence=Silence.NOT_AUTHORITATIVE, detail="answers without authority for the zone")
    return reply


def serial_at(server: Server, apex: WireName, *, timeout: timedelta = DEFAULT_TIMEOUT) -> int | NoAnswer:
    """Return the serial of a zone that a server answers, or why there is none."""
    import dns.rdataclass
    import dns.rdatatype
    import dns.rdtypes.ANY.SOA

    reply = ask(server, apex, rd.SOA, timeout=timeout)
    if isinstance(reply, NoAnswer):
        return reply
    rrset = reply.get_rrset(reply.answer, from_wire_name(apex), dns.rdataclass.IN, dns.rdatatype.SOA)
    soa = None if rrset is None else rrset[0]
    if not isinstance(soa, dns.rdtypes.ANY.SOA.SOA):
        return NoAnswer(
            silence=Silence.NOT_AUTHORITATIVE, detail="answers no SOA record: the zone does not begin there"
        )
    return int(soa.serial)
