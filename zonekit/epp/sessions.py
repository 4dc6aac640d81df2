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
        checks.some(self.versions, "version")
        checks.some(self.languages, "language")
        checks.some(self.objects, "namespace of objects")
        if (self.policy.namespace, self.policy.name) != (namespaces.EPP, "dcp"):
            raise EppError("the policy of a greeting is no dcp element", remedy="give one", rule="RFC 5730 section 2.4")
        if self.policy.children[:2] != ((namespaces.EPP, "access"), (namespaces.EPP, "statement")):
            raise EppError(
                "the policy of a greeting has no access and statement",
                remedy="give one that says who has access to data, and what for",
                rule="RFC 5730 section 2.4",
            )

    def offers(self, namespace: str) -> bool:
        """Whether it knows an object or an extension, by the namespace."""
        return namespace in self.objects or namespace in self.extensions


_GREETING: Final = Fields(
    needed={
        "server": checks.line(3, 64),
        "now": checks.instant,
        "policy": values.a(Part),
        "versions": values.tuple_of(checks.version),
        "languages": values.tuple_of(checks.language),
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
        checks.some(self.objects, "namespace of objects")


def _password(value: object, where: str) -> str:
    found = checks.secret(value, where)
    if not 6 <= len(found) <= 16 or found != checks.collapsed(found):
        raise EppError(
            f"{where} is not of 6 to 16 characters, with single spaces and none at the ends",
            remedy="give another",
            rule="RFC 5730 section 4",
        )
    return found


_LOGIN: Final = Fields(
    needed={
        "client": checks.client_id,
        "password": _password,
        "version": checks.version,
        "language": checks.language,
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


_MESSAGE_ID: Final = checks.token(1, 2**16)
_ACKNOWLEDGE: Final = Fields(needed={"message_id": _MESSAGE_ID})


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageQueue:
    """The queue of messages as an answer tells of it: ``msgQ``.

    Attributes:
        count: how many messages are in it.
        message_id: the oldest, or with an acknowledgement the next.
        queued: when that was put there.
        text: what it says, in ``language``; empty where only its presence is told. It is that of ``markup`` where there is one.
        language: of the text: that of ``markup`` where there is one, and English where there is no text.
        markup: the element ``msg`` as it came, where there is more than text in it.

    Raises:
        EppError: a field is none that EPP can carry, or a markup that is no ``msg`` or has only text in it.
        TimeError: the instant is naive.
    """

    count: int
    message_id: str
    queued: datetime | None = None
    text: str = ""
    language: str = "en"
    markup: Part | None = None

    def __post_init__(self) -> None:
        check_fields(_QUEUE, self, "a queue of messages")
        if self.markup is None:
            object.__setattr__(self, "language", self.language if self.text else "en")
            return
        if (self.markup.namespace, self.markup.name) != (namespaces.EPP, "msg"):
            raise EppError("the markup of a message is no msg element", remedy="give one, or a text", rule="RFC 5730")
        if not self.markup.children:
            raise EppError("the markup of a message has only text in it", remedy="give the text", rule="RFC 5730")
        object.__setattr__(self, "text", self.markup.text)
        object.__setattr__(self, "language", _language_of(self.markup))


def _language_of(markup: Part) -> str:
    return checks.language(checks.language_of(markup.attribute("lang")), "language of a message")


_QUEUE: Final = Fields(
    needed={
        "count": values.number(0, 2**64 - 1),
        "message_id": _MESSAGE_ID,
        "text": checks.xml_text,
        "language": checks.language,
    },
    optional={"queued": checks.instant, "markup": values.a(Part)},
)
