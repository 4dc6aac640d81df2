"""A client that asks every resolver about some domains, several times a second, and writes down every answer."""

from __future__ import annotations

import enum
import itertools
import random
import selectors
import socket
import string
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

import dns.flags
import dns.message
import dns.name
import dns.rcode
from dns.name import Name
from dns.rcode import Rcode

from tests.lab.addresses import DNS_PORT

ROUNDS_A_SECOND: Final = 2.0
GIVE_UP_SECONDS: Final = 5.0
_ASK_AGAIN_SECONDS: Final = 1.2
_LONGEST_PAUSE_SECONDS: Final = 0.05
_HEADER_OCTETS: Final = 12


class Security(enum.Enum):
    """What resolvers have to say of a domain."""

    SECURE = "secure"
    INSECURE = "insecure"
    EITHER = "either"


class Watched:
    """A domain that the client asks about; what is expected of it may change while it does.

    Attributes:
        domain: its apex.
        existing: names and types below the apex that are there, relative to it.
        wildcards: names below which every name is there with an A record.
        security: what resolvers have to say of it now.
    """

    def __init__(
        self,
        domain: str | Name,
        *,
        existing: Sequence[tuple[str, str]] = (("www", "A"),),
        wildcards: Sequence[str] = ("wild",),
        security: Security = Security.SECURE,
    ) -> None:
        self.domain = domain if isinstance(domain, Name) else dns.name.from_text(domain)
        self.existing = tuple(existing)
        self.wildcards = tuple(wildcards)
        self.security = security

    def questions(self) -> Iterator[Question]:
        """Every question of one round: the apex, what is there, a name that is not, and one that a wildcard makes."""
        for owner, rdtype in (("@", "SOA"), ("@", "NS"), ("@", "DNSKEY"), *self.existing):
            yield Question(self, dns.name.from_text(owner, self.domain), rdtype, Rcode.NOERROR)
        yield Question(self, dns.name.from_text(random_label(), self.domain), "A", Rcode.NXDOMAIN)
        for wildcard in self.wildcards:
            name = dns.name.from_text(f"{random_label()}.{wildcard}", self.domain)
            yield Question(self, name, "A", Rcode.NOERROR)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and how the answer has to end."""

    watched: Watched
    name: Name
    rdtype: str
    rcode: Rcode


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of one question.

    Attributes:
        asked: when it was asked.
        resolver: who was asked.
        question: what was asked.
        security: what was expected when it was asked.
        rcode: how the answer ended, or None where none came.
        authenticated: whether the AD flag was set.
        seconds: how long it took.
    """

    asked: datetime
    resolver: str
    question: Question
    security: Security
    rcode: Rcode | None
    authenticated: bool
    seconds: float

    @property
    def fault(self) -> str | None:
        """What is wrong with it, or None."""
        if self.rcode is None:
            return "no answer"
        if self.rcode is not self.question.rcode:
            return dns.rcode.to_text(self.rcode)
        if self.security is not Security.EITHER and self.authenticated is not (self.security is Security.SECURE):
            return "AD set" if self.authenticated else "AD not set"
        return None

    def __str__(self) -> str:
        place = f"{self.question.name} {self.question.rdtype} at {self.resolver}"
        return f"{self.asked:%H:%M:%S.%f} {place}: {self.fault or 'good'} after {self.seconds:.2f} s"


@dataclass(frozen=True, slots=True)
class Report:
    """What a client has seen."""

    answers: tuple[Answer, ...]

    @property
    def bad(self) -> tuple[Answer, ...]:
        """The answers that are not as they have to be."""
        return tuple(answer for answer in self.answers if answer.fault)

    def of(self, domain: str | Name) -> Report:
        """The answers about one domain."""
        apex = domain if isinstance(domain, Name) else dns.name.from_text(domain)
        return Report(tuple(answer for answer in self.answers if answer.question.watched.domain == apex))

    def counts(self) -> Counter[str]:
        """How many answers each resolver gave."""
        return Counter(answer.resolver for answer in self.answers if answer.rcode is not None)

    def assert_good(self, *, at_least: int = 1) -> None:
        """Fail unless every answer is as it has to be, and there are enough of them at every resolver."""
        bad = self.bad
        told = "\n".join(map(str, bad[:40]))
        assert not bad, f"{len(bad)} of {len(self.answers)} answers are bad:\n{told}"
        counts = self.counts()
        asked = {answer.resolver for answer in self.answers}
        assert counts and all(counts[resolver] >= at_least for resolver in asked), f"too few answers: {counts}"


class Client:
    """Asks about the domains at every resolver until the context ends."""

    def __init__(
        self, resolvers: Mapping[str, str], watched: Iterable[Watched], *, rounds_a_second: float = ROUNDS_A_SECOND
    ) -> None:
        self._watched = list(watched)
        self._ends = threading.Event()
        self._stations = [
            _Station(name, address, self._watched, 1 / rounds_a_second, self._ends)
            for name, address in resolvers.items()
        ]

    def __enter__(self) -> Self:
        for station in self._stations:
            station.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.set()
        for station in self._stations:
            station.join()
        if error is None:
            for station in self._stations:
                station.raise_error()

    def watch(self, watched: Watched) -> None:
        """Ask about one domain more from the next round on."""
        self._watched.append(watched)

    def report(self) -> Report:
        """Everything seen up to now."""
        return Report(tuple(answer for station in self._stations for answer in tuple(station.answers)))


@dataclass(slots=True)
class _Pending:
    question: Question
    security: Security
    wire: bytes
    asked: datetime
    first: float
    last: float = field(default=0.0)


class _Station(threading.Thread):
    """One resolver's questions: sent at an even pace, whether or not earlier ones were answered."""

    def __init__(
        self, resolver: str, address: str, watched: list[Watched], round_seconds: float, ends: threading.Event
    ) -> None:
        super().__init__(name=f"client of {resolver}", daemon=True)
        self.answers: list[Answer] = []
        self._resolver = resolver
        self._address = address
        self._watched = watched
        self._round_seconds = round_seconds
        self._ends = ends
        self._numbers = itertools.cycle(range(1, 65536))
        self._pending: dict[int, _Pending] = {}
        self._error: BaseException | None = None
        self._pace = round_seconds

    def raise_error(self) -> None:
        """Raise what ended it before its time."""
        if self._error:
            raise self._error

    def run(self) -> None:
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line, selectors.DefaultSelector() as selector:
                line.connect((self._address, DNS_PORT))
                line.setblocking(False)
                selector.register(line, selectors.EVENT_READ)
                self._ask_and_listen(line, selector)
        except BaseException as error:
            self._error = error

    def _ask_and_listen(self, line: socket.socket, selector: selectors.BaseSelector) -> None:
        waiting: list[Question] = []
        next_send = time.monotonic()
        while not self._ends.is_set() or self._pending:
            now = time.monotonic()
            if not self._ends.is_set() and now >= next_send:
                waiting = waiting or self._round()
                if waiting:
                    self._send(line, waiting.pop(), now)
                next_send = now + self._pace
            self._ask_again(line, now)
            if selector.select(max(0.0, min(next_send - now, _LONGEST_PAUSE_SECONDS))):
                self._receive(line)

    def _round(self) -> list[Question]:
        questions = [question for watched in tuple(self._watched) for question in watched.questions()]
        random.shuffle(questions)
        self._pace = self._round_seconds / max(1, len(questions))
        return questions

    def _send(self, line: socket.socket, question: Question, now: float) -> None:
        number = next(number for number in self._numbers if number not in self._pending)
        message = dns.message.make_query(question.name, question.rdtype, want_dnssec=True, id=number)
        wire = message.to_wire()
        self._pending[number] = _Pending(
            question, question.watched.security, wire, datetime.now(UTC), first=now, last=now
        )
        _try_to_send(line, wire)

    def _ask_again(self, line: socket.socket, now: float) -> None:
        for number, pending in list(self._pending.items()):
            if now - pending.first > GIVE_UP_SECONDS:
                del self._pending[number]
                self._write_down(pending, None, authenticated=False, now=now)
            elif now - pending.last > _ASK_AGAIN_SECONDS:
                pending.last = now
                _try_to_send(line, pending.wire)

    def _receive(self, line: socket.socket) -> None:
        while True:
            try:
                wire = line.recv(65535)
            except OSError:  # nothing more, or the resolver is not there: then it is asked again
                return
            if len(wire) < _HEADER_OCTETS:
                continue
            number, flags = int.from_bytes(wire[:2]), int.from_bytes(wire[2:4])
            pending = self._pending.pop(number, None)
            if pending is not None:
                authenticated = bool(flags & dns.flags.AD)
                self._write_down(pending, Rcode(flags & 0xF), authenticated=authenticated, now=time.monotonic())

    def _write_down(self, pending: _Pending, rcode: Rcode | None, *, authenticated: bool, now: float) -> None:
        self.answers.append(
            Answer(
                asked=pending.asked,
                resolver=self._resolver,
                question=pending.question,
                security=pending.security,
                rcode=rcode,
                authenticated=authenticated,
                seconds=now - pending.first,
            )
        )


def _try_to_send(line: socket.socket, wire: bytes) -> None:
    try:
        line.send(wire)
    except OSError:
        return  # it is sent again until time is up


def random_label() -> str:
    """A label that nobody has asked for."""
    return "".join(random.choices(string.ascii_lowercase, k=12))
