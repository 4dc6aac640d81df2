"""Asking the servers of a transfer directly: whoever is to be asked, at each address, all at once.

Besides :mod:`zonekit.asking`, which asks for a serial, the only user of the network. A :class:`~zonekit.transfer.answers.Question` goes in and a
:class:`~zonekit.transfer.answers.Round` comes out; what a reply is worth is read by :mod:`zonekit.transfer.replies`. Each
address is asked through a UDP socket of its own that is connected to it, so that datagrams from elsewhere never arrive and
the network can say that nobody listens. Queries have the DO bit and not the RD bit; one without an answer is sent again,
one whose answer is cut short is put by TCP. Nothing is cached.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import ipaddress
import queue
import random
import struct
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import dns.asyncquery
import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rdataclass
import dns.rdatatype
import dns.resolver

from zonekit import rdata as rd
from zonekit.errors import ProbeError
from zonekit.names import WireName, from_wire_name, parse_origin
from zonekit.transfer.answers import ADDRESS_TYPES, Answer, Outcome, Question, Round, Server, ServerAnswers
from zonekit.transfer.course import Tick
from zonekit.transfer.replies import Asked, all_asked, parse_reply, read_reply

_T = TypeVar("_T")

DEFAULT_TIMEOUT: Final = timedelta(seconds=5)
DEFAULT_AT_MOST: Final = 200
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")

_LONGEST_TIMEOUT: Final = timedelta(minutes=5)
_ATTEMPTS: Final = 3
# What gets through everywhere without being fragmented (DNS Flag Day 2020, RFC 9715).
_PAYLOAD_OCTETS: Final = 1232
_HEADER_OCTETS: Final = 12
# No flag, not even RD; one question, and one record in the additional section.
_QUERY_HEADER: Final = struct.pack(">HHHHHH", 0, 0, 1, 0, 0, 1)
_EDNS_WITH_DO: Final = struct.pack(">BHHIH", 0, dns.rdatatype.OPT, _PAYLOAD_OCTETS, dns.flags.DO, 0)
_QUESTION_TAIL_OCTETS: Final = 4
_SECOND: Final = timedelta(seconds=1)
# Nobody can guess what comes of it.
_RANDOM: Final = random.SystemRandom()
_IDENTITIES: Final = 2**16
_NO_IDENTITY: Final = b"\x00\x00"
_NO_DESCRIPTOR: Final = (errno.EMFILE, errno.ENFILE)


def probe(question: Question, *, timeout: timedelta = DEFAULT_TIMEOUT, at_most: int = DEFAULT_AT_MOST) -> Round:
    """Ask all the servers of one transfer everything, at once, and return what they answered.

    Args:
        question: whom to ask, and what for.
        timeout: how long to wait for a server: for what it answers by UDP, and again for what it has to be asked by TCP.
        at_most: how many sockets may be open at once.

    Raises:
        ProbeError: a limit is out of bounds.
    """
    (found,) = probe_many((question,), timeout=timeout, at_most=at_most)
    return found


def probe_many(
    questions: Iterable[Question], *, timeout: timedelta = DEFAULT_TIMEOUT, at_most: int = DEFAULT_AT_MOST
) -> Iterator[Round]:
    """Ask the servers of many transfers, and yield each round as soon as it is complete, in whatever order that is.

    The questions are taken one by one, in the caller's thread, and no more rounds are under way than there may be sockets.
    The asking goes on in a thread of its own while the caller is busy with a round. Whoever stops early closes the
    iterator; nothing stays open.

    Args:
        questions: for each transfer, whom to ask and what for.
        timeout: as for :func:`probe`.
        at_most: how many sockets may be open at once; where the system lets the process have fewer, it makes do with those.

    Raises:
        ProbeError: a limit is out of bounds.
    """
    sockets = Sockets(at_most)
    _check_timeout(timeout)
    return _rounds(questions, timeout, sockets)


def _rounds(questions: Iterable[Question], timeout: timedelta, sockets: Sockets) -> Iterator[Round]:
    complete: queue.SimpleQueue[Future[Round]] = queue.SimpleQueue()
    under_way = 0
    with _loop_in_a_thread() as run:
        for question in questions:
            while under_way == sockets.at_most or not complete.empty():
                yield complete.get().result()
                under_way -= 1
            run(probe_async(question, timeout=timeout, sockets=sockets)).add_done_callback(complete.put)
            under_way += 1
        for _ in range(under_way):
            yield complete.get().result()


async def probe_async(
    question: Question, *, timeout: timedelta = DEFAULT_TIMEOUT, sockets: Sockets | None = None
) -> Round:
    """Ask all the servers of one transfer everything, in the event loop that runs: what :func:`probe` does.

    Args:
        question: whom to ask, and what for.
        timeout: as for :func:`probe`.
        sockets: a bound to share among rounds that are asked at once.

    Raises:
        ProbeError: the timeout is out of bounds.
    """
    _check_timeout(timeout)
    shared = sockets or Sockets()
    asked = {source: all_asked(question, source) for source in {server.source for server in question.servers}}
    queries = {each: _query(each.owner, each.rdtype) for group in asked.values() for each in group}
    # Servers of one operator give the same octets more often than not; what they say is read once.
    read = functools.cache(_read_octets)
    visits = [
        _Visit(
            server,
            {each: queries[each] for each in asked[server.source]},
            read=read,
            timeout=timeout,
            sockets=shared,
        )
        for server in question.servers
    ]
    async with asyncio.TaskGroup() as tasks:
        for visit in visits:
            tasks.create_task(visit.ask())
    ended = _now()
    began = min((visit.began for visit in visits if visit.began is not None), default=ended).replace(microsecond=0)
    return Round(
        question=question,
        began=began,
        ended=max(began, _next_second(ended)),
        found=tuple(visit.found for visit in visits),
    )


class Sockets:
    """A bound on the sockets that are open at once, for one event loop.

    Raises:
        ProbeError: the number is less than 1, or none.
    """

    def __init__(self, at_most: int = DEFAULT_AT_MOST) -> None:
        if isinstance(at_most, bool) or not isinstance(at_most, int) or at_most < 1:
            raise ProbeError(f"{ascii(at_most)[:60]} is no number of sockets", remedy="give a whole number from 1 up")
        self.at_most = at_most
        self._free = asyncio.Semaphore(at_most)
        self._held = 0
        self._reading = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Let one at a time read what has come, which takes the processor long; in between the loop tends the sockets."""
        async with self._reading:
            yield
            await asyncio.sleep(0)

    async def using(self, exchange: Callable[[], Awaitable[_T]]) -> _T:
        """Return what comes of an exchange that opens one socket, and closes it, as soon as there may be one more.

        Where the system has no descriptor left and others here hold some, the bound sinks by one and the exchange waits
        for its turn again.

        Raises:
            OSError: the exchange raised it.
        """
        while True:
            await self._free.acquire()
            self._held += 1
            sinks = False
            try:
                return await exchange()
            except OSError as error:
                sinks = error.errno in _NO_DESCRIPTOR and self._held > 1
                if not sinks:
                    raise
            finally:
                if sinks:
                    self._held -= 1
                else:
                    await self._give_back()

    async def _give_back(self) -> None:
        try:
            await asyncio.sleep(0)  # a transport closes its socket in the next turn of the loop
        finally:
            self._held -= 1
            self._free.release()


def _check_timeout(timeout: timedelta) -> None:
    if not isinstance(timeout, timedelta) or not timedelta(0) < timeout <= _LONGEST_TIMEOUT:
        raise ProbeError(
            f"the timeout is {timeout if isinstance(timeout, timedelta) else ascii(timeout)[:60]}",
            remedy="give a timedelta of more than nothing, up to five minutes",
        )


# ---- one server -----------------------------------------------------------------------------------------------------


class _Visit:
    """One server, asked at one address: everything by UDP, and what does not fit by TCP."""

    def __init__(
        self,
        server: Server,
        queries: Mapping[Asked, bytes],
        *,
        read: Callable[[bytes, Asked], Answer],
        timeout: timedelta,
        sockets: Sockets,
    ) -> None:
        self.began: datetime | None = None
        self._server, self._queries, self._read = server, queries, read
        self._timeout, self._sockets = timeout, sockets
        self._answers: dict[Asked, Answer] = {}
        self._taken: dict[Asked, float] = {}

    @property
    def found(self) -> ServerAnswers:
        """What it answered."""
        return ServerAnswers(
            server=self._server,
            answers=tuple(self._answers[each] for each in self._queries),
            round_trip=timedelta(seconds=max(self._taken.values())) if self._taken else None,
        )

    async def ask(self) -> None:
        """Ask everything."""
        try:
            await self._sockets.using(self._ask_by_udp)
        except OSError as error:
            self._answers = {each: each.came_to(Outcome.UNREACHABLE, _reason(error)) for each in self._queries}
        async with asyncio.TaskGroup() as tasks:
            for each in self._queries:
                if each not in self._answers:
                    tasks.create_task(self._ask_by_tcp(each))

    async def _ask_by_udp(self) -> None:
        conversation = _Conversation(tuple(self._queries.values()))
        await _converse(conversation, self._server, self._timeout)
        self.began = conversation.began
        async with self._sockets.reading():
            for each, heard in zip(self._queries, conversation.heard, strict=True):
                if heard is None:
                    self._answers[each] = conversation.silence(each)
                else:
                    self._taken[each] = heard.after
                    if not _is_truncated(heard.octets):
                        self._answers[each] = self._read(_NO_IDENTITY + heard.octets[2:], each)

    async def _ask_by_tcp(self, asked: Asked) -> None:
        by_udp, started = self._taken.pop(asked), time.monotonic()
        answer = await _by_tcp(self._server, asked, self._timeout, self._sockets)
        self._answers[asked] = answer
        if answer.outcome not in (Outcome.SILENT, Outcome.UNREACHABLE):
            self._taken[asked] = by_udp + time.monotonic() - started


def _query(owner: WireName, rdtype: int) -> bytes:
    """A query without an identity, to a server that is asked for what it serves itself (RFC 1035 section 4.1, RFC 6891)."""
    return _QUERY_HEADER + owner + struct.pack(">HH", rdtype, dns.rdataclass.IN) + _EDNS_WITH_DO


def _read_octets(octets: bytes, asked: Asked) -> Answer:
    try:
        message = parse_reply(octets)
    except Exception as error:  # dnspython raises many kinds here, not only its own
        return asked.came_to(Outcome.UNREADABLE, _reason(error))
    return read_reply(message, asked)


def _reason(error: Exception) -> str:
    """What an error says, in one line that a terminal can show."""
    text = (error.strerror if isinstance(error, OSError) else str(error)) or type(error).__name__
    return ascii(" ".join(text.split())[:200])[1:-1]


# ---- by UDP ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """A reply to one query, and the seconds that it took."""

    octets: bytes
    after: float


class _Conversation(asyncio.DatagramProtocol):
    """Queries to one server through one socket, each under an identity of its own, and the replies by their place."""

    def __init__(self, queries: Sequence[bytes]) -> None:
        self.heard: list[_Heard | None] = [None] * len(queries)
        self.began: datetime | None = None
        self.error: OSError | None = None
        self._over = asyncio.get_running_loop().create_future()
        self._started = 0.0
        self._astray = False
        identities = _RANDOM.sample(range(_IDENTITIES), len(queries))
        self._places = {identity.to_bytes(2, "big"): place for place, identity in enumerate(identities)}
        self._queries = [identity + query[2:] for identity, query in zip(self._places, queries, strict=True)]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note when the first query is about to go out."""
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.began, self._started = _now(), time.monotonic()

    def send(self) -> None:
        """Send each query that has no reply yet."""
        for query, heard in zip(self._queries, self.heard, strict=True):
            if heard is None:
                self._transport.sendto(query)

    async def wait(self, seconds: float) -> bool:
        """Wait until there is nothing more to wait for, so long at most, and return whether that is so."""
        await asyncio.wait((self._over,), timeout=seconds)
        return self._over.done()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Take a reply to a query that has none yet; anything else is passed over."""
        place = self._places.get(data[:2])
        if place is None or not _is_reply(data, self._queries[place]):
            self._astray = True
        elif self.heard[place] is None:
            self.heard[place] = _Heard(octets=data, after=time.monotonic() - self._started)
            if None not in self.heard:
                self._end()

    def error_received(self, exc: Exception) -> None:
        """Take the network's word that it cannot deliver."""
        self.error = exc if isinstance(exc, OSError) else OSError(str(exc))
        self._end()

    def _end(self) -> None:
        if not self._over.done():
            self._over.set_result(None)

    def silence(self, asked: Asked) -> Answer:
        """Return what it comes to that there is no reply."""
        if self.error is not None:
            return asked.came_to(Outcome.UNREACHABLE, _reason(self.error))
        if self._astray:
            return asked.came_to(Outcome.UNREADABLE, "what came was no answer to the question")
        return asked.came_to(Outcome.SILENT, "no answer by UDP")


async def _converse(conversation: _Conversation, server: Server, timeout: timedelta) -> None:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: conversation, remote_addr=(server.address, server.port)
    )
    try:
        for _ in range(_ATTEMPTS):
            conversation.send()
            if await conversation.wait(timeout.total_seconds() / _ATTEMPTS):
                break
    finally:
        transport.abort()


_QR: Final = 0x80
_OPCODE: Final = 0x78
_TC: Final = 0x02
_RCODE: Final = 0x0F
# Errors after which a server may leave the question out, for it may not have read it.
_WITHOUT_QUESTION: Final = (1, 2, 4, 5)


def _is_reply(octets: bytes, query: bytes) -> bool:
    """Whether a message with the identity of a query is a reply to its question."""
    if len(octets) < _HEADER_OCTETS or not octets[2] & _QR or octets[2] & _OPCODE:
        return False
    if octets[4:6] == b"\x00\x00":
        return octets[3] & _RCODE in _WITHOUT_QUESTION
    end = query.index(b"\x00", _HEADER_OCTETS) + 1
    return (
        octets[4:6] == b"\x00\x01"
        and octets[_HEADER_OCTETS:end].lower() == query[_HEADER_OCTETS:end].lower()
        and octets[end : end + _QUESTION_TAIL_OCTETS] == query[end : end + _QUESTION_TAIL_OCTETS]
    )


def _is_truncated(octets: bytes) -> bool:
    return bool(octets[2] & _TC)


# ---- by TCP ---------------------------------------------------------------------------------------------------------


async def _by_tcp(server: Server, asked: Asked, timeout: timedelta, sockets: Sockets) -> Answer:
    query = dns.message.from_wire(_query(asked.owner, asked.rdtype))
    query.id = _RANDOM.randrange(_IDENTITIES)
    try:
        message = await sockets.using(
            lambda: dns.asyncquery.tcp(
                query,
                server.address,
                port=server.port,
                timeout=timeout.total_seconds(),
                one_rr_per_rrset=True,
            )
        )
    except (dns.exception.Timeout, TimeoutError):
        return asked.came_to(Outcome.SILENT, "no answer by TCP, and by UDP it is cut short")
    except (EOFError, ConnectionResetError, BrokenPipeError):
        return asked.came_to(
            Outcome.FAILED, "it closes the TCP connection without an answer, and by UDP it is cut short"
        )
    except OSError as error:
        return asked.came_to(Outcome.UNREACHABLE, f"by TCP: {_reason(error)}")
    except dns.query.BadResponse:
        return asked.came_to(Outcome.UNREADABLE, "what came by TCP was no answer to the question")
    except Exception as error:  # dnspython raises many kinds of a message that it cannot read
        return asked.came_to(Outcome.UNREADABLE, _reason(error))
    return read_reply(message, asked)


# ---- servers known by name ------------------------------------------------------------------------------------------


def find_addresses(
    names: Iterable[str], resolver: dns.asyncresolver.Resolver | None = None
) -> dict[str, tuple[str, ...]]:
    """Return every address of each of these name servers, asking the system's resolver for A and AAAA.

    An address in place of a name stands for itself and is never looked up.

    Args:
        names: the names, absolute with or without the final dot.
        resolver: whom to ask in place of the resolver that the system is set up with.

    Raises:
        ProbeError: a name has no address, or the resolver does not say; it tells all of them.
        DomainNameError: a name is none.

    >>> find_addresses(["192.0.2.1", "2001:DB8::1"])
    {'192.0.2.1': ('192.0.2.1',), '2001:DB8::1': ('2001:db8::1',)}
    """
    with _loop_in_a_thread() as run:
        return run(find_addresses_async(names, resolver)).result()


async def find_addresses_async(
    names: Iterable[str], resolver: dns.asyncresolver.Resolver | None = None
) -> dict[str, tuple[str, ...]]:
    """Return every address of each of these name servers, in the event loop that runs: see :func:`find_addresses`."""
    found = {name: _literal(name) for name in names}
    unknown = {name: from_wire_name(parse_origin(name)) for name, address in found.items() if not address}
    if unknown:
        asks, sockets = resolver or _system_resolver(), Sockets()
        async with asyncio.TaskGroup() as tasks:
            looks = {
                name: [tasks.create_task(_look_up(asks, wanted, rdtype, sockets)) for rdtype in ADDRESS_TYPES]
                for name, wanted in unknown.items()
            }
        problems = []
        for name, both in looks.items():
            results = [each.result() for each in both]
            problems += [f"{name}: {problem}" for _, problem in results if problem]
            found[name] = tuple(address for addresses, _ in results for address in addresses)
            if not found[name] and not any(problem for _, problem in results):
                problems.append(f"{name} has no address")
        if problems:
            raise ProbeError("; ".join(problems), remedy="name the server by its address")
    return found


def _literal(name: str) -> tuple[str, ...]:
    try:
        return (str(ipaddress.ip_address(name)),)
    except ValueError:
        return ()


def _system_resolver() -> dns.asyncresolver.Resolver:
    try:
        return dns.asyncresolver.Resolver()
    except dns.exception.DNSException as error:
        raise ProbeError(
            f"this machine has no resolver: {_reason(error)}", remedy="name the servers by their addresses"
        ) from None


async def _look_up(
    resolver: dns.asyncresolver.Resolver, name: dns.name.Name, rdtype: int, sockets: Sockets
) -> tuple[list[str], str]:
    """The addresses of one type, and why they are not known."""
    try:
        answer = await sockets.using(lambda: resolver.resolve(name, dns.rdatatype.RdataType.make(rdtype), search=False))
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return [], ""
    except (dns.exception.DNSException, OSError) as error:
        return [], f"its {rd.type_text(rdtype)} records cannot be looked up: {_reason(error)}"
    return sorted(str(each) for each in answer), ""


# ---- the loop and the clock -----------------------------------------------------------------------------------------


@contextlib.contextmanager
def _loop_in_a_thread() -> Iterator[Callable[[Coroutine[Any, Any, _T]], Future[_T]]]:
    """Run an event loop in a thread of its own, which goes on while the caller's is busy; at the end nothing is left."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="zonekit asking servers", daemon=True)
    thread.start()
    try:
        yield lambda work: asyncio.run_coroutine_threadsafe(work, loop)
    finally:
        asyncio.run_coroutine_threadsafe(_cancel_the_others(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _cancel_the_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def read_tick(boot_id: Path = BOOT_ID) -> Tick:
    """Return a reading of the clock: the whole second by the wall clock, and how long the machine had been running then.

    Args:
        boot_id: the file in which the kernel says which start of the machine this is; where there is none, it is not known.
    """
    now = _now()
    fraction = timedelta(microseconds=now.microsecond)
    try:
        boot = boot_id.read_text(encoding="ascii").strip()
    except OSError:
        return Tick(at=now - fraction)
    uptime = timedelta(seconds=time.clock_gettime(time.CLOCK_BOOTTIME))
    return Tick(at=now - fraction, boot=boot, uptime=uptime - fraction)


def _now() -> datetime:
    return datetime.now(UTC)


def _next_second(instant: datetime) -> datetime:
    """The whole second that has not passed yet at an instant."""
    whole = instant.replace(microsecond=0)
    return whole if whole == instant else whole + _SECOND
