"""One question to one server: the answer, or in words why there is none."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from tests.named import free_port
from zonekit.asking import NoAnswer, Server, Silence, addresses_of, parse_servers, serial_at
from zonekit.errors import ProbeError
from zonekit.names import parse_origin

APEX = parse_origin("example.nl")
PATIENT = timedelta(seconds=30)
SOA = "example.nl. 300 IN SOA ns1.example.net. admin.example.net. 7 7200 3600 1209600 300"

Change = Callable[[dns.message.Message], None]


def answered(question: dns.message.Message) -> dns.message.Message:
    reply = dns.message.make_response(question)
    reply.flags |= dns.flags.AA
    owner, ttl, rdclass, rdtype, rdata = SOA.split(" ", 4)
    reply.answer.append(dns.rrset.from_text(owner, int(ttl), rdclass, rdtype, rdata))
    return reply


def datagrams_of(question: dns.message.Message, change: Change) -> list[bytes]:
    reply = answered(question)
    change(reply)
    return [reply.to_wire()]


@contextmanager
def server_that(
    answer: Callable[[bytes], list[bytes]], *, over_tcp: Callable[[bytes], bytes] | None = None
) -> Iterator[Server]:
    """A server that gives these datagrams for a question, and over TCP that message."""
    port = free_port()
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams, socket.create_server(("127.0.0.1", port)) as listener:
        datagrams.bind(("127.0.0.1", port))
        datagrams.settimeout(30)
        listener.settimeout(30)

        def serve() -> None:
            question, client = datagrams.recvfrom(65535)
            for datagram in answer(question):
                datagrams.sendto(datagram, client)
            if over_tcp is not None:
                connection, _ = listener.accept()
                with connection:
                    length = int.from_bytes(connection.recv(2, socket.MSG_WAITALL), "big")
                    message = over_tcp(connection.recv(length, socket.MSG_WAITALL))
                    connection.sendall(len(message).to_bytes(2, "big") + message)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield Server(name="ns1.example.net", address="127.0.0.1", port=port)
        finally:
            thread.join()


def asked(change: Change, timeout: timedelta = PATIENT) -> int | NoAnswer:
    with server_that(lambda question: datagrams_of(dns.message.from_wire(question), change)) as server:
        return serial_at(server, APEX, timeout=timeout)


def test_the_serial_is_the_one_in_the_soa_record() -> None:
    assert asked(lambda reply: None) == 7


def test_the_question_asks_for_no_recursion_and_no_more_than_travels_unfragmented() -> None:
    seen: list[dns.message.Message] = []

    def note(question: bytes) -> list[bytes]:
        seen.append(dns.message.from_wire(question))
        return [answered(seen[-1]).to_wire()]

    with server_that(note) as server:
        assert serial_at(server, APEX, timeout=PATIENT) == 7
    assert not seen[0].flags & dns.flags.RD
    assert seen[0].payload == 1232


def test_a_truncated_answer_is_asked_for_again_over_tcp() -> None:
    def truncated(question: bytes) -> list[bytes]:
        reply = dns.message.make_response(dns.message.from_wire(question))
        reply.flags |= dns.flags.TC | dns.flags.AA
        return [reply.to_wire()]

    with server_that(
        truncated, over_tcp=lambda question: answered(dns.message.from_wire(question)).to_wire()
    ) as server:
        assert serial_at(server, APEX, timeout=PATIENT) == 7


def test_what_answers_another_question_is_no_answer() -> None:
    def forged_first(question: bytes) -> list[bytes]:
        read = dns.message.from_wire(question)
        forged, sound = answered(read), answered(read)
        forged.id ^= 1
        return [b"garbage", forged.to_wire(), sound.to_wire()]

    with server_that(forged_first) as server:
        assert serial_at(server, APEX, timeout=PATIENT) == 7


def _refused(reply: dns.message.Message) -> None:
    reply.set_rcode(dns.rcode.REFUSED)
    reply.answer.clear()


def _lame(reply: dns.message.Message) -> None:
    reply.flags &= ~dns.flags.AA


def _empty(reply: dns.message.Message) -> None:
    reply.answer.clear()


@pytest.mark.parametrize(
    ("change", "silence", "words"),
    [
        (_refused, Silence.REFUSED, "answers REFUSED"),
        (_lame, Silence.NOT_AUTHORITATIVE, "answers without authority for the zone"),
        (_empty, Silence.NOT_AUTHORITATIVE, "answers no SOA record: the zone does not begin there"),
    ],
)
def test_a_server_without_the_zone_gives_no_serial(change: Change, silence: Silence, words: str) -> None:
    assert asked(change) == NoAnswer(silence=silence, detail=words)


def test_a_server_that_keeps_silent_gives_no_serial() -> None:
    with server_that(lambda question: []) as server:
        answer = serial_at(server, APEX, timeout=timedelta(milliseconds=200))
    assert answer == NoAnswer(silence=Silence.TIMEOUT, detail="does not answer within 0.2 s")


def test_a_server_that_hangs_up_gives_no_serial() -> None:
    def truncated(question: bytes) -> list[bytes]:
        reply = dns.message.make_response(dns.message.from_wire(question))
        reply.flags |= dns.flags.TC
        return [reply.to_wire()]

    with server_that(truncated, over_tcp=lambda question: b"") as server:
        answer = serial_at(server, APEX, timeout=PATIENT)
    assert isinstance(answer, NoAnswer)
    assert answer.silence is Silence.GARBLED


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("192.0.2.1", Server(name="192.0.2.1", address="192.0.2.1")),
        ("192.0.2.1@5353", Server(name="192.0.2.1", address="192.0.2.1", port=5353)),
        ("ns1=2001:db8::1@5353", Server(name="ns1", address="2001:db8::1", port=5353)),
        ("ns1=192.0.2.1", Server(name="ns1", address="192.0.2.1")),
    ],
)
def test_a_server_is_read_from_text(text: str, server: Server) -> None:
    assert parse_servers(text) == (server,)


def test_a_name_is_looked_up_and_stands_for_all_its_addresses() -> None:
    found = parse_servers("ns1.example.net@53", lookup=lambda host: ["192.0.2.1", "2001:db8::1"])
    assert [str(server) for server in found] == ["ns1.example.net (192.0.2.1)", "ns1.example.net (2001:db8::1)"]
    assert "127.0.0.1" in addresses_of("localhost")


@pytest.mark.parametrize(
    "text", ["", "=192.0.2.1", "ns1=", "ns1=nowhere", "ns1@", "ns1@port", "ns1=192.0.2.1@0", "192.0.2.1@65536", "a..b"]
)
def test_what_names_no_server_is_refused(text: str) -> None:
    with pytest.raises(ProbeError):
        parse_servers(text)


def test_a_name_without_an_address_is_refused() -> None:
    with pytest.raises(
        ProbeError, match=r"server ns1\.invalid: its address cannot be found: .*; give it as NAME=ADDRESS"
    ):
        parse_servers("ns1.invalid")
