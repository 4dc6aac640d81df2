"""The wire under the fake registry: every frame arrives whole or the connection ends, and nothing is left of it."""

from __future__ import annotations

import contextlib
import gc
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.epp.serving import (
    FRAME_LIMIT,
    LOOPBACK,
    SECONDS,
    Certificates,
    Connection,
    ConnectionEnded,
    EppServer,
    Farewell,
    framed,
    serving,
)

GREETING = b"<greeting/>"


def echo(client: str, frame: bytes) -> bytes:
    return client.encode() + b" said " + frame


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EppServer]:
    with serving(echo, GREETING, clients=["losing", "gaining"], directory=tmp_path) as running:
        yield running
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("epp-")]
    gc.collect()  # a socket that nobody closed warns here, and a warning is an error


def test_a_client_is_greeted_and_the_handler_knows_who_it_is(server: EppServer) -> None:
    with server.connect("losing") as losing, server.connect("gaining") as gaining:
        assert (losing.greeting, gaining.greeting) == (GREETING, GREETING)
        assert gaining.request(b"<hello/>") == b"gaining said <hello/>"
        assert losing.request(b"<hello/>") == b"losing said <hello/>"


@pytest.mark.parametrize("size", [1, 2, 4, 255, 256, 16_384, 16_385, 65_536, FRAME_LIMIT])
def test_a_frame_of_any_size_up_to_the_limit_passes_both_ways(tmp_path: Path, size: int) -> None:
    frame = bytes(index % 251 for index in range(size))
    with (
        serving(lambda _, frame: frame, GREETING, clients=["losing"], directory=tmp_path) as server,
        server.connect("losing") as connection,
    ):
        assert connection.request(frame) == frame
        assert connection.request(frame[::-1]) == frame[::-1]


def test_the_length_counts_its_own_four_octets() -> None:
    assert framed(b"<hello/>") == b"\x00\x00\x00\x0c<hello/>"


def test_frames_that_come_in_pieces_or_together_are_told_apart(server: EppServer) -> None:
    with server.connect("losing") as connection:
        for octet in framed(b"one"):
            connection.send(bytes([octet]))
        connection.send(framed(b"two") + framed(b"three"))
        assert [connection.receive() for _ in range(3)] == [
            b"losing said " + each for each in (b"one", b"two", b"three")
        ]


@pytest.mark.parametrize("length", [0, 1, 3, 4, FRAME_LIMIT + 5, 2**32 - 1])
def test_a_length_that_no_frame_has_ends_the_connection(server: EppServer, length: int) -> None:
    with server.connect("losing") as connection:
        connection.send(length.to_bytes(4, "big"))
        with pytest.raises(ConnectionEnded):
            connection.receive()
    with server.connect("losing") as another:
        assert another.request(b"x") == b"losing said x"


@pytest.mark.parametrize("octets", [b"", b"\x00", b"\x00\x00\x00\x0c", b"\x00\x00\x00\x0c<hello"])
def test_a_frame_that_is_cut_ends_the_connection(server: EppServer, octets: bytes) -> None:
    with server.connect("losing") as connection:
        connection.send(octets)
        connection.end()
        with pytest.raises(ConnectionEnded):
            connection.receive()


def test_a_client_that_leaves_without_reading_its_answer_harms_nobody(server: EppServer) -> None:
    with server.connect("losing") as connection:
        connection.send(framed(b"x" * 65_536))
    with server.connect("gaining") as another:
        assert another.request(b"x") == b"gaining said x"


def test_a_farewell_is_the_last_answer(tmp_path: Path) -> None:
    with (
        serving(lambda *_: Farewell(b"bye"), GREETING, clients=["losing"], directory=tmp_path) as server,
        server.connect("losing") as connection,
    ):
        assert connection.request(b"<logout/>") == b"bye"
        with pytest.raises(ConnectionEnded):
            connection.request(b"<hello/>")


def test_a_server_that_stops_ends_the_connections_that_are_open(tmp_path: Path) -> None:
    with serving(echo, GREETING, clients=["losing"], directory=tmp_path) as server:
        connection = server.connect("losing")
    with connection, pytest.raises(ConnectionEnded):
        connection.request(b"x")


def test_what_a_handler_raises_comes_out_where_the_server_is_stopped(tmp_path: Path) -> None:
    def fail(client: str, frame: bytes) -> bytes:
        raise LookupError(frame)

    with (
        pytest.raises(LookupError, match="x"),
        serving(fail, GREETING, clients=["losing"], directory=tmp_path) as server,
        server.connect("losing") as connection,
        pytest.raises(ConnectionEnded),
    ):
        connection.request(b"x")


def test_a_client_without_a_certificate_is_not_served(server: EppServer) -> None:
    anonymous = ssl.create_default_context(cafile=server.certificates.authority)
    with pytest.raises(ConnectionEnded):
        Connection(server.port, anonymous)


def test_a_client_with_the_certificate_of_another_authority_is_not_served(server: EppServer, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    stranger = ssl.create_default_context(cafile=server.certificates.authority)
    stranger.load_cert_chain(Certificates(tmp_path / "other", ["losing"]).of("losing"))
    with pytest.raises(ConnectionEnded):
        Connection(server.port, stranger)


def test_a_client_trusts_no_server_of_another_authority(server: EppServer, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with pytest.raises(ConnectionEnded, match="certificate verify failed"):
        Connection(server.port, Certificates(tmp_path / "other", ["losing"]).context_of("losing"))


def test_a_client_that_speaks_no_tls_is_turned_away(server: EppServer) -> None:
    with socket.create_connection((LOOPBACK, server.port), timeout=SECONDS) as plain:
        plain.sendall(framed(b"<hello/>"))
        assert GREETING not in everything_from(plain)


def test_a_client_that_connects_and_says_nothing_does_not_keep_the_server_from_stopping(tmp_path: Path) -> None:
    with serving(echo, GREETING, clients=[], directory=tmp_path) as server:
        idle = socket.create_connection((LOOPBACK, server.port), timeout=SECONDS)
    with idle:
        assert everything_from(idle) == b""


def test_many_clients_at_once_each_get_their_own_answers(server: EppServer) -> None:
    wrong: list[bytes] = []

    def talk(client: str) -> None:
        with server.connect(client) as connection:
            for number in range(20):
                answer = connection.request(b"%d" % number)
                if answer != b"%b said %d" % (client.encode(), number):
                    wrong.append(answer)

    threads = [threading.Thread(target=talk, args=[client]) for client in ("losing", "gaining") * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert not any(thread.is_alive() for thread in threads)
    assert not wrong


def everything_from(plain: socket.socket) -> bytes:
    """What comes until the server closes or resets a connection without TLS."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while octets := plain.recv(4096):
            received += octets
    return received
