"""Sessions: what a server offers, who comes in, and the queue of messages (RFC 5730 sections 2.4, 2.9.1 and 2.9.2.3).

zonekit opens no connection; these are the frames that a client sends and reads to get to the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from zonekit.epp import checks, namespaces
from zonekit.epp.checks import check_fields
from zonekit.epp.parts import Part
from zonekit.errors import EppError
from zonekit.transfer import values
from zonekit.transfer.values import Fields

_TEXTS: Final = values.tuple_of(checks.token(1, 255))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """``hello``: asks for the greeting, and keeps a session alive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """What a server says first: who it is and what it offers.

    Attributes:
        server: its name, ``svID``.
        now: its clock.
        versions: of the protocol.
        languages: of its messages.
        objects: the namespaces of the objects that it knows, ``objURI``.
        extensions: those of the extensions, ``extURI``.
        policy: its policy on data, ``dcp``, as it came.

    Raises:
        EppError: a field is none that EPP can carry.
        TimeError: the clock is naive.
    """

    server: str
    now: datetime
    policy: Part
    versions: tuple[str, ...] = ("1.0",)
    languages: tuple[str, ...] = ("en",)
    objects: tuple[str, ...] = (namespaces.DOMAIN,)
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_fields(_GREETING, self, "a greeting")

    def offers(self, namespace: str) -> bool:
        """Whether it knows an object or an extension, by the namespace."""
        return namespace in self.objects or namespace in self.extensions


_GREETING: Final = Fields(
    needed={
        "server": checks.token(3, 64),
        "now": values.instant,
        "policy": values.a(Part),
        "versions": _TEXTS,
        "languages": _TEXTS,
        "objects": _TEXTS,
        "extensions": _TEXTS,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """``login``: who comes in, and what it is going to use.

    Attributes:
        client: its identifier.
        password: its password. It is in no repr and no message.
        new_password: the one that it wants from now on.
        version: of the protocol.
        language: of messages.
        objects: the namespaces of the objects that it is going to use.
        extensions: those of the extensions.

    Raises:
        EppError: a field is none that EPP can carry.
    """

    client: str
    password: str = field(repr=False)
    new_password: str | None = field(default=None, repr=False)
    version: str = "1.0"
    language: str = "en"
    objects: tuple[str, ...] = (namespaces.DOMAIN,)
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_fields(_LOGIN, self, "a login")


def _password(value: object, where: str) -> str:
    found = checks.secret(value, where)
    if not 6 <= len(found) <= 16 or found != found.strip() or "  " in found:
        raise EppError(f"{where} is not of 6 to 16 characters", remedy="give another", rule="RFC 5730 section 4")
    return found


_LOGIN: Final = Fields(
    needed={
        "client": checks.client_id,
        "password": _password,
        "version": checks.token(1, 8),
        "language": checks.token(2, 35),
        "objects": _TEXTS,
        "extensions": _TEXTS,
    },
    optional={"new_password": _password},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Logout:
    """``logout``: ends the session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PollRequest:
    """``poll op="req"``: asks for the oldest message of the queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PollAcknowledge:
    """``poll op="ack"``: takes a message out of the queue. Send it when what the message says is safely kept.

    Attributes:
        message_id: the message.

    Raises:
        EppError: it is none that EPP can carry.
    """

    message_id: str

    def __post_init__(self) -> None:
        check_fields(_ACKNOWLEDGE, self, "an acknowledgement")


_ACKNOWLEDGE: Final = Fields(needed={"message_id": checks.token(1, 255)})


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageQueue:
    """The queue of messages as an answer tells of it: ``msgQ``.

    Attributes:
        count: how many messages are in it.
        message_id: the oldest, or with an acknowledgement the next.
        queued: when that was put there.
        text: what it says, in ``language``; empty where only its presence is told.
        language: of the text.

    Raises:
        EppError: a field is none that EPP can carry, or a text without when it was put there.
        TimeError: the instant is naive.
    """

    count: int
    message_id: str
    queued: datetime | None = None
    text: str = ""
    language: str = "en"

    def __post_init__(self) -> None:
        check_fields(_QUEUE, self, "a queue of messages")


_QUEUE: Final = Fields(
    needed={
        "count": values.number(0, 2**63),
        "message_id": checks.token(1, 255),
        "text": checks.xml_text,
        "language": checks.token(2, 35),
    },
    optional={"queued": values.instant},
)
