"""The wire of EPP (RFC 5734) on the loopback: a server over TLS that leaves every answer to a handler, and a client.

Both sides show a certificate, made for the occasion, and the common name of a client's says who it is::

    with serving(handler, greeting, clients=["losing", "gaining"], directory=tmp_path) as server:
        with server.connect("losing") as connection:
            answer = connection.request(frame)

A frame goes over the wire behind its length in four octets, which count themselves. Nothing here reads XML.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LOOPBACK: Final = "127.0.0.1"
FRAME_LIMIT: Final = 2**20
SECONDS: Final = 120.0  # for every wait, on both sides
_LENGTH_OCTETS: Final = 4
_LIFETIME: Final = timedelta(days=1)

Handler: TypeAlias = Callable[[str, bytes], bytes]


class Farewell(bytes):
    """An answer after which the server closes the connection, as it does after a logout."""


class ConnectionEnded(ConnectionError):
    """The other side closed the connection, or sent what is not a frame."""


def framed(frame: bytes) -> bytes:
    """Return the octets that carry a frame (RFC 5734 section 4)."""
    return (len(frame) + _LENGTH_OCTETS).to_bytes(_LENGTH_OCTETS, "big") + frame


def read_frame(stream: BinaryIO, limit: int = FRAME_LIMIT) -> bytes:
    """Return the next frame of a stream; one that is empty, cut, or longer than ``limit`` octets ends the connection."""
    size = int.from_bytes(_read(stream, _LENGTH_OCTETS), "big") - _LENGTH_OCTETS
    if not 0 < size <= limit:
        raise ConnectionEnded(f"a frame of {size} octets, where 1 to {limit} are taken")
    return _read(stream, size)


def _read(stream: BinaryIO, size: int) -> bytes:
    octets = stream.read(size)
    if len(octets) < size:
        raise ConnectionEnded(f"{len(octets)} of {size} octets came")
    return octets


@contextlib.contextmanager
def serving(
    handler: Handler, greeting: bytes, *, clients: Iterable[str], directory: Path, limit: int = FRAME_LIMIT
) -> Iterator[EppServer]:
    """Run a server for these clients; their certificates go into ``directory``."""
    with EppServer(handler, greeting, Certificates(directory, clients), limit) as server:
        yield server


class EppServer:
    """A server that greets, and answers each frame with what its handler says of the client and the frame.

    It calls the handler for one frame at a time, whichever client sent it. What a handler raises ends the connection and
    is raised again where the server is stopped.
    """

    def __init__(self, handler: Handler, greeting: bytes, certificates: Certificates, limit: int = FRAME_LIMIT) -> None:
        self.certificates = certificates
        self._handler = handler
        self._greeting = greeting
        self._limit = limit
        self._context = certificates.context_of_the_server()
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, name="epp-accept", daemon=True)
        self._threads: list[threading.Thread] = []
        self._connections: set[socket.socket] = set()
        self._stopping = False
        self._registering = threading.Lock()
        self._handling = threading.Lock()
        self._failures: list[Exception] = []

    def connect(self, client: str) -> Connection:
        """Return a connection of this client, greeted."""
        return Connection(self.port, self.certificates.context_of(client))

    def __enter__(self) -> EppServer:
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # it is not connected, and wakes up all the same
            self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join(SECONDS)
        self._listener.close()
        with self._registering:
            self._stopping = True
            for connection in self._connections:
                _shut_down(connection)
        for thread in self._threads:
            thread.join(SECONDS)
        assert not any(thread.is_alive() for thread in (self._accepting, *self._threads))
        if self._failures:
            raise self._failures[0]

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=[plain], name="epp-connection", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, plain: socket.socket) -> None:
        plain.settimeout(SECONDS)
        with (
            contextlib.suppress(OSError),  # the client left, kept still for too long, or showed no good certificate
            plain,
            self._context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False) as connection,
            self._registered(connection),
        ):
            connection.do_handshake()
            with connection.makefile("rwb") as stream:
                self._converse(_common_name(connection), stream)

    def _converse(self, client: str, stream: BinaryIO) -> None:
        answer = self._greeting
        while True:
            stream.write(framed(answer))
            stream.flush()
            if isinstance(answer, Farewell):
                return
            answer = self._answer(client, read_frame(stream, self._limit))

    def _answer(self, client: str, frame: bytes) -> bytes:
        with self._handling:
            try:
                return self._handler(client, frame)
            except Exception as failure:
                self._failures.append(failure)
                raise ConnectionEnded("the handler failed") from failure

    @contextlib.contextmanager
    def _registered(self, connection: socket.socket) -> Iterator[None]:
        with self._registering:
            self._connections.add(connection)
            if self._stopping:
                _shut_down(connection)
        try:
            yield
        finally:
            with self._registering:
                self._connections.remove(connection)


class Connection:
    """A client's side of one connection.

    Attributes:
        greeting: the frame that the server began with.
    """

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        with contextlib.ExitStack() as stack:
            plain = stack.enter_context(socket.create_connection((LOOPBACK, port), timeout=SECONDS))
            with _ending():
                self._connection = stack.enter_context(context.wrap_socket(plain, server_hostname=LOOPBACK))
                self._stream = stack.enter_context(self._connection.makefile("rb"))
                self.greeting = read_frame(self._stream)
            self._stack = stack.pop_all()

    def request(self, frame: bytes) -> bytes:
        """Send a frame and return the answer to it."""
        self.send(framed(frame))
        return self.receive()

    def send(self, octets: bytes) -> None:
        """Send octets, whether or not they make a frame."""
        with _ending():
            self._connection.sendall(octets)

    def receive(self) -> bytes:
        """Return the next frame from the server."""
        with _ending():
            return read_frame(self._stream)

    def end(self) -> None:
        """Say that no more octets will come; the server's can still be received."""
        with _ending():
            _shut_down(self._connection, socket.SHUT_WR)

    def close(self) -> None:
        """Close the connection."""
        self._stack.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextlib.contextmanager
def _ending() -> Iterator[None]:
    """However a connection ends, let it be one error; a wait that took too long stays what it is."""
    try:
        yield
    except (TimeoutError, ConnectionEnded):
        raise
    except OSError as error:
        raise ConnectionEnded(str(error)) from error


def _shut_down(connection: socket.socket, how: int = socket.SHUT_RDWR) -> None:
    """Shut down the socket below TLS: an SSLSocket's own shutdown would take TLS from under the thread that reads."""
    with contextlib.suppress(OSError):  # the other side was quicker
        socket.socket.shutdown(connection, how)


def _common_name(connection: ssl.SSLSocket) -> str:
    certificate = connection.getpeercert()
    assert certificate is not None, "the handshake demands a certificate"
    names = {kind: name for ((kind, name),) in certificate["subject"]}
    return names["commonName"]


class Certificates:
    """An authority with a certificate for the server and one for each client, in PEM files of one directory.

    Attributes:
        authority: the file with the authority's certificate.
        server: the file with the server's private key and certificate.
    """

    def __init__(self, directory: Path, clients: Iterable[str]) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.authority = directory / "authority.pem"
        self.authority.write_bytes(_pem(self._sign("authority", self._key, usage=None)))
        self.server = self._issue("server", ExtendedKeyUsageOID.SERVER_AUTH, directory / "server.pem")
        self._clients = {
            client: self._issue(client, ExtendedKeyUsageOID.CLIENT_AUTH, directory / f"client-{client}.pem")
            for client in clients
        }

    def of(self, client: str) -> Path:
        """Return the file with a client's private key and certificate."""
        return self._clients[client]

    def context_of(self, client: str) -> ssl.SSLContext:
        """Return what a client connects with."""
        context = ssl.create_default_context(cafile=self.authority)
        context.load_cert_chain(self.of(client))
        return context

    def context_of_the_server(self) -> ssl.SSLContext:
        """Return what the server listens with; it demands a certificate of its own authority."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.authority)
        context.verify_mode = ssl.CERT_REQUIRED
        context.num_tickets = 0  # nobody resumes a session, and a ticket that nobody reads resets the connection
        context.load_cert_chain(self.server)
        return context

    def _issue(self, name: str, usage: x509.ObjectIdentifier, path: Path) -> Path:
        key = ec.generate_private_key(ec.SECP256R1())
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.touch(mode=0o600)
        path.write_bytes(private + _pem(self._sign(name, key, usage)))
        return path

    def _sign(
        self, name: str, key: ec.EllipticCurvePrivateKey, usage: x509.ObjectIdentifier | None
    ) -> x509.Certificate:
        is_authority = usage is None
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(_name("authority"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _LIFETIME)
            .not_valid_after(now + _LIFETIME)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .add_extension(_key_usage(is_authority=is_authority), critical=True)
        )
        if usage is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if usage == ExtendedKeyUsageOID.SERVER_AUTH:
            addresses = [x509.IPAddress(ipaddress.ip_address(LOOPBACK)), x509.DNSName("localhost")]
            builder = builder.add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        return builder.sign(self._key, hashes.SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
