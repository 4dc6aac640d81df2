"""Asking servers over the network: all at once, by UDP and TCP, within bounds, and what each kind of silence comes to."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import os
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import dns.asyncresolver
import dns.message
import dns.resolver
import pytest
from dns.flags import EDNSFlag, Flag

from tests.fake_servers import LOOPBACK, Asking, FakeServer, Script, response, serving
from tests.keyring import VALIDITY, ksk, zsk
from tests.peers import require_peer
from zonekit import rdata as rd
from zonekit.ds import make_ds
from zonekit.errors import DomainNameError, PlanError, ProbeError
from zonekit.names import name_text, parse_origin
from zonekit.probe import Sockets, find_addresses, probe, probe_async, probe_many, read_tick
from zonekit.signing import sign_zone
from zonekit.transfer.answers import APEX_TYPES, DELEGATION_TYPES, Answer, Outcome, Question, Round, Server
from zonekit.transfer.versions import Source
from zonekit.zonefile import parse_zone

DOMAIN: Final = "example.nl."
SOA: Final = f"{DOMAIN} 900 SOA ns1.losing.net. admin.losing.net. 1 7200 3600 1209600 300"
PARENT_SOA: Final = "nl. 600 SOA ns1.dns.nl. admin.dns.nl. 1 7200 3600 1209600 3600"
# Waited out where something is to stay silent.
WAITED: Final = timedelta(seconds=3)
# Never waited out: a test that gets that far has failed.
LONG: Final = timedelta(seconds=60)
BOUND: Final = 30.0
OF_A_PARENT: Final = len(DELEGATION_TYPES) + 1
"""What a server of the parent is asked: the delegation, and the SOA record above the domain."""


# ---- scripts --------------------------------------------------------------------------------------------------------


def octets_of_no_data(asking: Asking) -> bytes:
    return response(asking.query, authority=[SOA]).to_wire()


def no_data(asking: Asking) -> None:
    asking.send(octets_of_no_data(asking))


def none_at_the_parent(asking: Asking) -> None:
    asking.send(response(asking.query, authority=[PARENT_SOA]).to_wire())


def silent(asking: Asking) -> None:
    """Say nothing."""


def refused(asking: Asking) -> None:
    asking.send(response(asking.query, flags="", code="REFUSED").to_wire())


def does_not_know_edns(asking: Asking) -> None:
    """FORMERR as an old server sends it: the header alone."""
    asking.send(asking.query.id.to_bytes(2, "big") + b"\x80\x01" + bytes(8))


def by_tcp_only(then: Script) -> Script:
    def script(asking: Asking) -> None:
        if asking.by_tcp:
            then(asking)
        else:
            asking.send(response(asking.query, flags="AA TC").to_wire())

    return script


def after(*first: Callable[[Asking], bytes]) -> Script:
    """No data, once these octets have been sent."""

    def script(asking: Asking) -> None:
        for make in first:
            asking.send(make(asking))
        no_data(asking)

    return script


def only(make: Callable[[Asking], bytes]) -> Script:
    return lambda asking: asking.send(make(asking))


def another_identity(asking: Asking) -> bytes:
    octets = octets_of_no_data(asking)
    return bytes((octets[0] ^ 0xFF, octets[1])) + octets[2:]


def another_question(asking: Asking) -> bytes:
    other = dns.message.make_query("other.example.", asking.query.question[0].rdtype, id=asking.query.id)
    return response(other, authority=[SOA]).to_wire()


def another_type(asking: Asking) -> bytes:
    other = dns.message.make_query(asking.query.question[0].name, "TXT", id=asking.query.id)
    return response(other, authority=[SOA]).to_wire()


def its_own_query(asking: Asking) -> bytes:
    return asking.query.to_wire()


def junk(asking: Asking) -> bytes:
    return b"\xff\x00junk"


def cut_off(asking: Asking) -> bytes:
    return octets_of_no_data(asking)[:-5]


def letters_swapped(asking: Asking) -> bytes:
    query = dns.message.make_query(DOMAIN.upper(), asking.query.question[0].rdtype, id=asking.query.id)
    return response(query, authority=[SOA]).to_wire()


def from_elsewhere_first(asking: Asking) -> None:
    """Another host, that knows identity, question and port, is quicker."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as forger:
        forger.sendto(response(asking.query, flags="", code="REFUSED").to_wire(), asking.client)
    no_data(asking)


def deaf_at_first(times: int) -> Script:
    heard: dict[tuple[int, int], int] = {}

    def script(asking: Asking) -> None:
        key = asking.client[1], asking.query.id
        heard[key] = heard.get(key, 0) + 1
        if heard[key] > times:
            no_data(asking)

    return script


class Gathering:
    """Answers nobody until this many questions have come, and then all of them."""

    def __init__(self, questions: int) -> None:
        self.questions = questions
        self._lock = threading.Lock()
        self._waiting: list[Asking] = []

    def __call__(self, asking: Asking) -> None:
        with self._lock:
            self._waiting.append(asking)
            if len(self._waiting) < self.questions:
                waiting = []
            else:
                waiting, self._waiting = self._waiting, []
        for each in waiting:
            no_data(each)


# ---- asking one server ----------------------------------------------------------------------------------------------


def ask_operator(script: Script, timeout: timedelta = LONG) -> tuple[Round, FakeServer]:
    with FakeServer(script) as fake:
        return probe(Question(domain=DOMAIN, servers=(fake.server(Source.LOSING),)), timeout=timeout), fake


def answers_of(found: Round) -> list[Answer]:
    return [answer for each in found.found for answer in each.answers]


EDNS = "FORMERR: it may not know EDNS, and no signed zone can do without (RFC 4035)"
NOT_THE_QUESTION = "what came was no answer to the question"
AT_ONCE: Final[dict[str, tuple[Script, Outcome, str]]] = {
    "answers": (no_data, Outcome.THERE_IS_NONE, ""),
    "refuses": (refused, Outcome.REFUSED, "REFUSED"),
    "does not know EDNS": (does_not_know_edns, Outcome.FAILED, EDNS),
    "spells the name in capitals": (only(letters_swapped), Outcome.THERE_IS_NONE, ""),
    "cuts an answer off": (only(cut_off), Outcome.UNREADABLE, "DNS message is malformed."),
    "answers after another identity": (after(another_identity), Outcome.THERE_IS_NONE, ""),
    "answers after another question": (after(another_question), Outcome.THERE_IS_NONE, ""),
    "answers after another type": (after(another_type), Outcome.THERE_IS_NONE, ""),
    "answers after the query itself": (after(its_own_query), Outcome.THERE_IS_NONE, ""),
    "answers after junk": (after(junk, junk), Outcome.THERE_IS_NONE, ""),
    "answers twice": (after(octets_of_no_data), Outcome.THERE_IS_NONE, ""),
    "answers after a forger": (from_elsewhere_first, Outcome.THERE_IS_NONE, ""),
    "answers by TCP": (by_tcp_only(no_data), Outcome.THERE_IS_NONE, ""),
    "refuses by TCP": (by_tcp_only(refused), Outcome.REFUSED, "REFUSED"),
    "closes the TCP connection": (
        by_tcp_only(silent),
        Outcome.FAILED,
        "it closes the TCP connection without an answer, and by UDP it is cut short",
    ),
    "gives junk by TCP": (
        by_tcp_only(only(junk)),
        Outcome.UNREADABLE,
        "The DNS packet passed to from_wire() is too short.",
    ),
    "cuts an answer off by TCP": (by_tcp_only(only(cut_off)), Outcome.UNREADABLE, "DNS message is malformed."),
    "gives another question by TCP": (
        by_tcp_only(only(another_question)),
        Outcome.UNREADABLE,
        "what came by TCP was no answer to the question",
    ),
    "cuts short by TCP too": (
        lambda asking: asking.send(response(asking.query, flags="AA TC").to_wire()),
        Outcome.FAILED,
        "the answer is cut short, and there is no longer one",
    ),
}
"""What is over as soon as something comes."""
WAITED_OUT: Final[dict[str, tuple[Script, Outcome, str]]] = {
    "says nothing": (silent, Outcome.SILENT, "no answer by UDP"),
    "gives another identity": (only(another_identity), Outcome.UNREADABLE, NOT_THE_QUESTION),
    "gives another question": (only(another_question), Outcome.UNREADABLE, NOT_THE_QUESTION),
    "gives the query back": (only(its_own_query), Outcome.UNREADABLE, NOT_THE_QUESTION),
    "gives junk": (only(junk), Outcome.UNREADABLE, NOT_THE_QUESTION),
    "misses the first query": (deaf_at_first(1), Outcome.THERE_IS_NONE, ""),
    "says nothing by TCP": (
        by_tcp_only(lambda asking: asking.hold()),
        Outcome.SILENT,
        "no answer by TCP, and by UDP it is cut short",
    ),
}
"""What takes until the time is up, or until a query is sent again."""


@pytest.mark.parametrize("name", AT_ONCE)
def test_what_comes_at_once_of_a_server_that(name: str) -> None:
    script, outcome, problem = AT_ONCE[name]
    found, _ = ask_operator(script)
    assert {(each.outcome, each.problem) for each in answers_of(found)} == {(outcome, problem)}
    assert found.found[0].round_trip is not None


@pytest.fixture(scope="module")
def waited_out() -> dict[str, Round]:
    """All of them together, so that the time passes once."""
    with serving(*[script for script, _, _ in WAITED_OUT.values()]) as fakes:
        servers = {fake.server(Source.LOSING): name for name, fake in zip(WAITED_OUT, fakes, strict=True)}
        questions = [Question(domain=DOMAIN, servers=(server,)) for server in servers]
        return {servers[each.found[0].server]: each for each in probe_many(questions, timeout=WAITED)}


@pytest.mark.parametrize("name", WAITED_OUT)
def test_what_comes_in_the_end_of_a_server_that(name: str, waited_out: dict[str, Round]) -> None:
    _, outcome, problem = WAITED_OUT[name]
    found = waited_out[name]
    assert {(each.outcome, each.problem) for each in answers_of(found)} == {(outcome, problem)}
    assert (found.found[0].round_trip is not None) == outcome.is_answer


def test_every_outcome_is_seen_on_the_network() -> None:
    elsewhere = {Outcome.GIVEN, Outcome.NO_AUTHORITY, Outcome.UNREACHABLE}
    assert {outcome for _, outcome, _ in (*AT_ONCE.values(), *WAITED_OUT.values())} | elsewhere == set(Outcome)


def test_a_port_where_nobody_listens_is_unreachable() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((LOOPBACK, 0))
        taken.connect((LOOPBACK, 9))  # so that the port stays taken, and nothing from elsewhere is let in
        server = Server(source=Source.LOSING, name="ns1.example.net", address=LOOPBACK, port=taken.getsockname()[1])
        found = probe(Question(domain=DOMAIN, servers=(server,)), timeout=LONG)
    assert {(each.outcome, each.problem) for each in answers_of(found)} == {(Outcome.UNREACHABLE, "Connection refused")}
    assert found.found[0].round_trip is None


def test_a_server_that_answers_by_udp_alone_is_unreachable_where_tcp_is_needed() -> None:
    with FakeServer(by_tcp_only(no_data), listens=False) as fake:
        found = probe(Question(domain=DOMAIN, servers=(fake.server(Source.LOSING),)), timeout=LONG)
    outcomes = {(each.outcome, each.problem.partition(": ")[0]) for each in answers_of(found)}
    assert outcomes == {(Outcome.UNREACHABLE, "by TCP")}
    assert found.found[0].round_trip is None


def test_an_address_to_which_the_system_sends_nothing_is_unreachable() -> None:
    server = Server(source=Source.LOSING, name="ns1.example.net", address="255.255.255.255")
    found = probe(Question(domain=DOMAIN, servers=(server,)), timeout=LONG)
    assert {(each.outcome, each.problem) for each in answers_of(found)} == {(Outcome.UNREACHABLE, "Permission denied")}


def test_a_server_on_ipv6_is_asked_there() -> None:
    try:
        fake = FakeServer(no_data, "::1")
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with fake:
        found = probe(Question(domain=DOMAIN, servers=(fake.server(Source.LOSING),)), timeout=LONG)
    assert {each.outcome for each in answers_of(found)} == {Outcome.THERE_IS_NONE}


# ---- what is asked --------------------------------------------------------------------------------------------------


def test_a_query_asks_for_signatures_and_not_for_recursion() -> None:
    _, fake = ask_operator(by_tcp_only(no_data))
    assert {asking.by_tcp for asking in fake.askings} == {False, True}
    for asking in fake.askings:
        query = asking.query
        assert query.flags == Flag(0)
        assert (query.edns, query.payload, query.ednsflags) == (0, 1232, EDNSFlag.DO)
        again = dns.message.make_query(
            query.question[0].name,
            query.question[0].rdtype,
            flags=0,
            id=query.id,
            use_edns=0,
            payload=1232,
            want_dnssec=True,
        )
        assert asking.octets == again.to_wire()
    identities = [asking.query.id for asking in fake.askings if not asking.by_tcp]
    assert len(set(identities)) == len(identities)


def test_every_server_is_asked_what_its_party_is_asked_for() -> None:
    with serving(no_data, no_data, none_at_the_parent) as fakes:
        parties = (Source.LOSING, Source.GAINING, Source.PARENT)
        servers = tuple(fake.server(source) for fake, source in zip(fakes, parties, strict=True))
        question = Question(domain=DOMAIN, servers=servers, hosts=frozenset({"ns1.example.nl", "ns2.example.nl"}))
        found = probe(question, timeout=LONG)
    for each, fake in zip(found.found, fakes, strict=True):
        wanted = [(name_text(owner), rdtype) for owner, rdtype in question.of(each.server.source)]
        assert sorted((str(a.query.question[0].name), int(a.query.question[0].rdtype)) for a in fake.askings) == sorted(
            wanted
        )
        assert [(name_text(answer.owner), answer.rdtype) for answer in each.answers] == wanted
        assert {answer.outcome for answer in each.answers} == {Outcome.THERE_IS_NONE}
        assert each.round_trip is not None and timedelta(0) < each.round_trip < LONG


def test_a_query_is_sent_again_under_the_same_identity() -> None:
    _, fake = ask_operator(deaf_at_first(1), WAITED)
    sent = [(asking.client, asking.query.id) for asking in fake.askings]
    assert len(set(sent)) == 6
    assert len(sent) >= 2 * 6


# ---- all at once, and within bounds ---------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_a_round_is_asked_all_at_once(transport: str) -> None:
    gathering = Gathering(questions=4 * len(APEX_TYPES) + 2 * OF_A_PARENT)
    script: Script = gathering if transport == "UDP" else by_tcp_only(gathering)
    with serving(*[script] * 6) as fakes:
        parties = (Source.LOSING, Source.LOSING, Source.GAINING, Source.GAINING, Source.PARENT, Source.PARENT)
        servers = tuple(fake.server(source) for fake, source in zip(fakes, parties, strict=True))
        found = probe(Question(domain=DOMAIN, servers=servers), timeout=LONG)
    assert all(each.round_trip is not None for each in found.found)


class Counting:
    """Answers once so many ports have asked everything, and notes the most that were waiting for an answer at once."""

    def __init__(self, ports: int, questions: int) -> None:
        self.most = 0
        self._ports, self._questions = ports, questions
        self._waiting: dict[int, list[Asking]] = {}
        self._lock = threading.Lock()

    def __call__(self, asking: Asking) -> None:
        with self._lock:
            self._waiting.setdefault(asking.client[1], []).append(asking)
            self.most = max(self.most, len(self._waiting))
            complete = [asked for asked in self._waiting.values() if len(asked) == self._questions]
            if len(complete) < self._ports:
                return
            for asked in complete:
                del self._waiting[asked[0].client[1]]
        for asked in complete:
            for each in asked:
                none_at_the_parent(each)


def of_the_parent(*fakes: FakeServer, rounds: int = 1) -> Iterator[Question]:
    servers = tuple(fake.server(Source.PARENT) for fake in fakes)
    for number in range(rounds):
        yield Question(domain=f"d{number}.nl", servers=servers)


def test_so_many_sockets_are_open_and_no_more() -> None:
    counting = Counting(ports=5, questions=OF_A_PARENT)
    with serving(counting, counting, counting) as fakes:
        found = list(probe_many(of_the_parent(*fakes, rounds=100), timeout=LONG, at_most=5))
    assert counting.most == 5
    assert sorted(each.question.domain for each in found) == sorted(f"d{number}.nl." for number in range(100))
    assert {answer.outcome for each in found for answer in answers_of(each)} == {Outcome.THERE_IS_NONE}


def test_a_process_that_may_open_few_files_asks_everything_all_the_same() -> None:
    program = """
import resource, sys
from datetime import timedelta
from zonekit.probe import probe_many
from zonekit.transfer.answers import Question, Server
from zonekit.transfer.versions import Source
servers = [
    Server(source=Source.PARENT, name=f"ns{number}.nl", address="127.0.0.1", port=int(port))
    for number, port in enumerate(sys.argv[1:])
]
questions = [Question(domain=f"d{number}.nl", servers=servers) for number in range(20)]
resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
for found in probe_many(questions, timeout=timedelta(seconds=60)):
    print(*{answer.outcome.name for each in found.found for answer in each.answers})
"""
    script = by_tcp_only(none_at_the_parent)
    with serving(script, script) as fakes:
        ports = [str(fake.port) for fake in fakes]
        done = subprocess.run(
            [sys.executable, "-c", program, *ports], capture_output=True, text=True, timeout=2 * BOUND, check=False
        )
    assert (done.stdout.splitlines(), done.stderr) == (["THERE_IS_NONE"] * 20, "")


def test_a_process_that_may_open_no_file_at_all_says_so_and_ends() -> None:
    program = """
import asyncio, os, resource
from zonekit.probe import Sockets, probe_async
from zonekit.transfer.answers import Question, Server
from zonekit.transfer.versions import Source
servers = [Server(source=Source.PARENT, name="ns1.nl", address="127.0.0.1", port=port) for port in (1, 2, 3)]
async def main():
    limit = len(os.listdir("/proc/self/fd")) + 4
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    taken = []
    try:
        while True:
            taken.append(os.dup(0))
    except OSError:
        pass
    found = await probe_async(Question(domain="example.nl", servers=servers), sockets=Sockets(2))
    for each in taken:
        os.close(each)
    print(*{f"{answer.outcome.name}: {answer.problem}" for each in found.found for answer in each.answers})
asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=2 * BOUND, check=False
    )
    assert (done.stdout, done.stderr) == ("UNREACHABLE: Too many open files\n", "")


def test_exchanges_that_find_no_descriptor_together_do_not_wait_for_each_other() -> None:
    async def run() -> list[object]:
        sockets, both = Sockets(2), asyncio.Barrier(2)

        async def finds_none() -> None:
            if both.n_waiting < 2 and not met.is_set():
                await both.wait()
                met.set()
            raise OSError(errno.EMFILE, "Too many open files")

        met = asyncio.Event()
        together = asyncio.gather(*[sockets.using(finds_none) for _ in range(2)], return_exceptions=True)
        return list(await asyncio.wait_for(together, BOUND))

    assert [str(each) for each in asyncio.run(run())] == ["[Errno 24] Too many open files"] * 2


def test_questions_are_taken_as_they_are_needed() -> None:
    taken = 0

    def questions(fake: FakeServer) -> Iterator[Question]:
        nonlocal taken
        for question in of_the_parent(fake, rounds=30):
            taken += 1
            yield question

    with FakeServer(none_at_the_parent) as fake:
        given = 0
        for _ in probe_many(questions(fake), timeout=LONG, at_most=3):
            given += 1
            assert given <= taken <= given + 3
    assert given == taken == 30


def test_a_round_comes_as_soon_as_it_is_complete() -> None:
    held: queue.SimpleQueue[Asking] = queue.SimpleQueue()
    with serving(held.put, none_at_the_parent) as (slow, quick):
        questions = (*of_the_parent(slow), *of_the_parent(quick))
        rounds = probe_many(questions, timeout=LONG)
        assert next(rounds).question == questions[1]
        for _ in range(OF_A_PARENT):
            none_at_the_parent(held.get(timeout=BOUND))
        assert next(rounds).question == questions[0]
        assert list(rounds) == []


def test_no_question_at_all_is_no_round() -> None:
    assert list(probe_many([])) == []


# ---- the instants ---------------------------------------------------------------------------------------------------


def test_a_round_lies_between_its_instants() -> None:
    before = datetime.now(UTC)
    found, _ = ask_operator(no_data)
    later = datetime.now(UTC)
    assert before.replace(microsecond=0) <= found.began <= later
    assert found.ended - timedelta(seconds=1) <= later
    assert found.ended >= before


def test_ticks_show_that_the_clock_was_not_set() -> None:
    earlier, later = read_tick(), read_tick()
    assert later.boot == earlier.boot != ""
    assert earlier.at.microsecond == 0
    assert abs(later.set_by(earlier)) < timedelta(seconds=1)
    assert later.uptime >= earlier.uptime - timedelta(seconds=1)


def test_a_machine_that_does_not_say_which_start_it_is_of(tmp_path: Path) -> None:
    tick = read_tick(tmp_path / "missing")
    assert (tick.boot, tick.uptime) == ("", timedelta(0))


# ---- nothing stays open ---------------------------------------------------------------------------------------------


@contextlib.contextmanager
def nothing_left_open() -> Iterator[None]:
    before = set(os.listdir("/proc/self/fd")), threading.active_count()
    yield
    gc.collect()  # which would close what was forgotten, with a ResourceWarning that fails the test
    assert (set(os.listdir("/proc/self/fd")), threading.active_count()) == before


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_whoever_stops_early_leaves_nothing_open(transport: str) -> None:
    asked = threading.Event()

    def script(asking: Asking) -> None:
        asked.set()
        asking.hold()

    scripts = script if transport == "UDP" else by_tcp_only(script), none_at_the_parent
    with nothing_left_open(), serving(*scripts) as (mute, quick):
        rounds = probe_many((*of_the_parent(mute), *of_the_parent(quick)), timeout=LONG)
        next(rounds)
        assert asked.wait(BOUND)
        rounds.close()  # type: ignore[attr-defined]  # a generator, of which only the iterating is promised


def test_an_interrupt_leaves_nothing_open() -> None:
    def questions(fake: FakeServer) -> Iterator[Question]:
        yield from of_the_parent(fake)
        raise KeyboardInterrupt

    with FakeServer(silent) as fake, nothing_left_open(), pytest.raises(KeyboardInterrupt):
        list(probe_many(questions(fake), timeout=LONG))


def test_a_round_that_is_cancelled_leaves_nothing_open() -> None:
    asked = threading.Event()

    async def ask_and_cancel(question: Question) -> None:
        task = asyncio.create_task(probe_async(question, timeout=LONG))
        await asyncio.to_thread(asked.wait, BOUND)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with nothing_left_open(), FakeServer(lambda asking: asked.set()) as fake:
        asyncio.run(ask_and_cancel(*of_the_parent(fake)))
    assert asked.is_set()


def test_rounds_in_a_loop_of_ones_own_share_their_sockets() -> None:
    counting = Counting(ports=4, questions=OF_A_PARENT)

    async def ask(questions: Iterator[Question]) -> list[Round]:
        sockets = Sockets(4)
        return await asyncio.gather(*[probe_async(each, timeout=LONG, sockets=sockets) for each in questions])

    with serving(counting, counting) as fakes:
        found = asyncio.run(ask(of_the_parent(*fakes, rounds=10)))
    assert counting.most == 4
    assert [each.question.domain for each in found] == [f"d{number}.nl." for number in range(10)]


# ---- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("timeout", [timedelta(0), -LONG, timedelta(hours=1), 5])
def test_a_timeout_that_makes_no_sense_is_refused(timeout: timedelta) -> None:
    question = next(of_the_parent(FakeServerAddress()))  # type: ignore[arg-type]
    with pytest.raises(ProbeError, match=r"the timeout is .*; give a timedelta of more than nothing"):
        probe(question, timeout=timeout)
    with pytest.raises(ProbeError, match="the timeout is"):
        asyncio.run(probe_async(question, timeout=timeout))


@pytest.mark.parametrize("at_most", [0, -1, True, "3", 2.0])
def test_a_bound_that_makes_no_sense_is_refused_before_anything_is_asked(at_most: int) -> None:
    with pytest.raises(ProbeError, match=r"is no number of sockets; give a whole number from 1 up"):
        probe_many([], at_most=at_most)


class FakeServerAddress:
    def server(self, source: Source) -> Server:
        return Server(source=source, name="ns1.example.net", address=LOOPBACK)


@pytest.mark.parametrize("address", ["ns1.example.net", "192.0.2.256", "", "192.0.2.1/24", 3221225985])
def test_a_server_is_asked_at_an_address(address: str) -> None:
    with pytest.raises(PlanError, match=r"address of a server is .*, and not an IPv4 or IPv6 address; give an address"):
        Server(source=Source.PARENT, name="ns1.example.net", address=address)


def test_an_address_is_one_however_it_is_written() -> None:
    one, other = (
        Server(source=Source.PARENT, name="ns1.nl", address=text) for text in ("2001:DB8:0::1", "2001:db8::1")
    )
    assert one == other
    with pytest.raises(PlanError, match="a server is to be asked twice"):
        Question(domain=DOMAIN, servers=(one, other))


# ---- servers known by name ------------------------------------------------------------------------------------------


def resolver_at(fake: FakeServer) -> dns.asyncresolver.Resolver:
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers, resolver.port, resolver.lifetime = [fake.address], fake.port, BOUND
    return resolver


ADDRESSES: Final = {
    ("ns1.example.net.", "A"): ["ns1.example.net. 60 A 192.0.2.2", "ns1.example.net. 60 A 192.0.2.1"],
    ("ns1.example.net.", "AAAA"): ["ns1.example.net. 60 AAAA 2001:db8::1"],
    ("ns4.example.net.", "A"): ["ns4.example.net. 60 A 192.0.2.4"],
}


def looks_up(asking: Asking) -> None:
    (question,) = asking.query.question
    name, rdtype = str(question.name), rd.type_text(int(question.rdtype))
    code = {"none.example.net.": "NXDOMAIN", "ill.example.net.": "SERVFAIL"}.get(name, "NOERROR")
    asking.send(response(asking.query, answer=ADDRESSES.get((name, rdtype), ()), flags="RA", code=code).to_wire())


def test_every_address_of_a_name_is_found() -> None:
    with FakeServer(looks_up) as fake:
        found = find_addresses(["ns1.example.net", "ns4.example.net."], resolver_at(fake))
    assert found == {
        "ns1.example.net": ("192.0.2.1", "192.0.2.2", "2001:db8::1"),
        "ns4.example.net.": ("192.0.2.4",),
    }


def test_an_address_is_never_looked_up() -> None:
    with FakeServer(looks_up) as fake:
        found = find_addresses(["192.0.2.1", "2001:DB8::1", "ns4.example.net"], resolver_at(fake))
        asked = {str(asking.query.question[0].name) for asking in fake.askings}
    assert found["192.0.2.1"] == ("192.0.2.1",)
    assert found["2001:DB8::1"] == ("2001:db8::1",)
    assert asked == {"ns4.example.net."}


def test_every_name_without_an_address_is_told() -> None:
    with FakeServer(looks_up) as fake, pytest.raises(ProbeError) as error:
        find_addresses(["none.example.net", "ns1.example.net", "empty.example.net"], resolver_at(fake))
    assert error.value.problem == "none.example.net has no address; empty.example.net has no address"
    assert error.value.remedy == "name the server by its address"


def test_a_resolver_that_does_not_say_is_not_taken_for_one_that_says_no() -> None:
    with FakeServer(looks_up) as fake, pytest.raises(ProbeError, match="A records cannot be looked up") as error:
        find_addresses(["ill.example.net"], resolver_at(fake))
    assert "AAAA records cannot be looked up" in str(error.value)


def test_a_machine_without_a_resolver_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def unconfigured() -> None:
        raise dns.resolver.NoResolverConfiguration("cannot open /etc/resolv.conf")

    monkeypatch.setattr(dns.asyncresolver, "Resolver", unconfigured)
    with pytest.raises(ProbeError, match=r"this machine has no resolver: .*; name the servers by their addresses"):
        find_addresses(["ns1.example.net"])


def test_what_is_no_name_is_refused() -> None:
    with pytest.raises(DomainNameError):
        find_addresses(["ns1..example.net"])


# ---- a server of the world ------------------------------------------------------------------------------------------


@contextlib.contextmanager
def nsd(directory: Path, zones: dict[str, str]) -> Iterator[int]:
    """Run NSD with these zones on a free port of the loopback, until it answers for them."""
    program = require_peer("nsd")
    directory.mkdir()
    for origin, text in zones.items():
        (directory / f"{origin}zone").write_text(text)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind((LOOPBACK, 0))
        port: int = free.getsockname()[1]
    declared = "".join(f'zone:\n  name: "{origin}"\n  zonefile: "{origin}zone"\n' for origin in zones)
    (directory / "nsd.conf").write_text(
        f'server:\n  ip-address: {LOOPBACK}@{port}\n  server-count: 1\n  username: ""\n  chroot: ""\n'
        f'  zonesdir: "{directory}"\n  pidfile: ""\n  xfrdfile: ""\n  zonelistfile: "{directory}/zones"\n'
        f'  xfrdir: "{directory}"\n  verbosity: 0\n{declared}remote-control:\n  control-enable: no\n'
    )
    with (directory / "log").open("w") as log:
        process = subprocess.Popen([program, "-d", "-c", directory / "nsd.conf"], stdout=log, stderr=log)
        try:
            _wait_for(process, port, *zones)
            yield port
        finally:
            process.terminate()
            process.wait(BOUND)


def _wait_for(process: subprocess.Popen[bytes], port: int, *origins: str) -> None:
    until = datetime.now(UTC) + timedelta(seconds=BOUND)
    server = Server(source=Source.LOSING, name="ns1.example.net", address=LOOPBACK, port=port)
    while datetime.now(UTC) < until:
        assert process.poll() is None, "nsd has ended"
        found = [probe(Question(domain=origin, servers=(server,)), timeout=WAITED).found[0] for origin in origins]
        if all(each.answers[0].outcome is Outcome.GIVEN for each in found):
            return
        threading.Event().wait(0.05)
    raise AssertionError("nsd does not answer")


def test_nsd_as_operator_as_parent_and_as_both(tmp_path: Path) -> None:
    child = parse_zone(
        "$TTL 3600\n@ IN SOA ns1 admin 1 7200 3600 1209600 300\n@ 86400 IN NS ns1\nns1 7200 IN A 192.0.2.1\n",
        "example.nl",
    )
    signed = sign_zone(child, [ksk(), zsk()], validity=VALIDITY)
    child_text = "\n".join(rrset.text() for rrset in signed.rrsets()) + "\n"
    ds = make_ds([ksk()])
    parent_text = (
        "$ORIGIN nl.\n$TTL 3600\n@ IN SOA ns1.dns.nl. admin.dns.nl. 1 7200 3600 1209600 600\n@ IN NS ns1.dns.nl.\n"
        "ns1.dns IN A 192.0.2.53\nexample 7200 IN NS ns1.example\nns1.example 1800 IN A 192.0.2.1\n"
        f"{ds.text()}\n"
    )
    with (
        nsd(tmp_path / "child", {"example.nl.": child_text}) as operator,
        nsd(tmp_path / "parent", {"nl.": parent_text}) as parent,
        nsd(tmp_path / "both", {"example.nl.": child_text, "nl.": parent_text}) as both,
    ):
        servers = tuple(
            Server(source=source, name=name, address=LOOPBACK, port=port)
            for source, name, port in (
                (Source.LOSING, "ns1.example.nl", operator),
                (Source.PARENT, "ns1.dns.nl", parent),
                (Source.PARENT, "ns2.dns.nl", both),
            )
        )
        found = probe(Question(domain="example.nl", servers=servers, hosts=frozenset({"ns1.example.nl"})), timeout=LONG)
    of_operator, of_parent, of_both = found.found
    for rdtype in (rd.SOA, rd.NS, rd.DNSKEY):
        answer = of_operator.answer(rdtype)
        wanted = signed.get("@", rdtype)
        assert answer is not None and answer.rrset == wanted
        assert [each.covers for each in answer.rrsets] == [0, rdtype]
    csync = of_operator.answer(rd.CSYNC)
    assert csync is not None and (csync.outcome, csync.negative_ttl) == (Outcome.THERE_IS_NONE, 300)
    host = of_operator.answer(rd.A, parse_origin("ns1.example.nl"))
    assert host is not None and host.rrset is not None and host.rrset.ttl == 7200
    delegation, at_parent, above = of_parent.answers
    assert [(each.type_text, each.ttl) for each in delegation.rrsets] == [("NS", 7200), ("A", 1800)]
    assert at_parent.rrset is not None and at_parent.rrset.rdatas == ds.rdatas
    assert above.rdtype == rd.SOA and above.rrset is not None and above.rrset.ttl == 3600
    child_side, ds_of_both, _ = of_both.answers
    assert (child_side.outcome, "itself" in child_side.problem) == (Outcome.NO_AUTHORITY, True)
    assert ds_of_both.rrset == at_parent.rrset
