"""How a command ended: result codes, with the values that a server says are at fault and why (RFC 5730 sections 2.6 and 3)."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from zonekit.epp import checks
from zonekit.epp.checks import check_fields
from zonekit.epp.parts import Part
from zonekit.errors import EppError
from zonekit.transfer import values
from zonekit.transfer.values import Fields


class ResultCode(enum.IntEnum):
    """A result code of RFC 5730 section 3."""

    COMPLETED = 1000
    COMPLETED_PENDING = 1001
    """Taken, and carried out later: a poll message tells how it ended."""
    NO_MESSAGES = 1300
    ACK_TO_DEQUEUE = 1301
    ENDING_SESSION = 1500
    UNKNOWN_COMMAND = 2000
    COMMAND_SYNTAX = 2001
    COMMAND_USE = 2002
    MISSING_PARAMETER = 2003
    PARAMETER_RANGE = 2004
    PARAMETER_SYNTAX = 2005
    UNIMPLEMENTED_VERSION = 2100
    UNIMPLEMENTED_COMMAND = 2101
    UNIMPLEMENTED_OPTION = 2102
    UNIMPLEMENTED_EXTENSION = 2103
    BILLING_FAILURE = 2104
    NOT_RENEWABLE = 2105
    NOT_TRANSFERABLE = 2106
    AUTHENTICATION = 2200
    AUTHORIZATION = 2201
    INVALID_AUTH_INFO = 2202
    PENDING_TRANSFER = 2300
    NOT_PENDING_TRANSFER = 2301
    OBJECT_EXISTS = 2302
    OBJECT_MISSING = 2303
    STATUS_PROHIBITS = 2304
    ASSOCIATION_PROHIBITS = 2305
    PARAMETER_POLICY = 2306
    UNIMPLEMENTED_SERVICE = 2307
    DATA_POLICY = 2308
    COMMAND_FAILED = 2400
    FAILED_CLOSING = 2500
    AUTHENTICATION_CLOSING = 2501
    SESSION_LIMIT_CLOSING = 2502

    @property
    def ends_session(self) -> bool:
        """Whether the server closes the connection after it."""
        return self in (
            *(ResultCode.ENDING_SESSION, ResultCode.FAILED_CLOSING),
            *(ResultCode.AUTHENTICATION_CLOSING, ResultCode.SESSION_LIMIT_CLOSING),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A value that a server says is at fault, and why: ``extValue``.

    Attributes:
        value: the element of the command, as it came; the ``value`` that it stands in where there is more in that.
        text: why, in ``language``.
        language: of the text.

    Raises:
        EppError: a field is none that EPP can carry.
    """

    value: Part
    text: str
    language: str = "en"

    def __post_init__(self) -> None:
        check_fields(_REASON, self, "a reason")


_MESSAGE: Final = checks.message
_LANGUAGE: Final = checks.language
_REASON: Final = Fields(needed={"value": values.a(Part), "text": _MESSAGE, "language": _LANGUAGE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a command ended.

    Attributes:
        code: the number, 1000 to 2599; see :attr:`known`.
        message: what the server says, in ``language``.
        language: of the message.
        values: elements of the command that are at fault, as they came, or the ``value`` that such a one stands in.
        reasons: those of which it says why.

    Raises:
        EppError: a field is none that EPP can carry.
    """

    code: int
    message: str
    language: str = "en"
    values: tuple[Part, ...] = ()
    reasons: tuple[Reason, ...] = ()

    def __post_init__(self) -> None:
        check_fields(_RESULT, self, "a result")
        object.__setattr__(self, "code", int(self.code))

    @property
    def known(self) -> ResultCode | None:
        """What the code means; None where no RFC says.

        >>> Result(code=2304, message="no").known
        <ResultCode.STATUS_PROHIBITS: 2304>
        """
        try:
            return ResultCode(self.code)
        except ValueError:
            return None

    @property
    def is_success(self) -> bool:
        """Whether the command was carried out, or will be: the codes from 1000 to 1999."""
        return self.code < 2000


_RESULT: Final = Fields(
    needed={
        "code": values.number(1000, 2599),
        "message": _MESSAGE,
        "language": _LANGUAGE,
        "values": values.tuple_of(values.a(Part)),
        "reasons": values.tuple_of(values.a(Reason)),
    }
)


def result(code: ResultCode, message: str = "") -> Result:
    """Return a result with a message of its own or the one that goes with its code.

    Raises:
        EppError: there is no such code, or the message is none that EPP can carry.

    >>> result(ResultCode.COMPLETED).message
    'command completed'
    """
    if code not in _MESSAGES:
        raise EppError(
            f"{ascii(code)[:20]} is no result code", remedy="give one of ResultCode", rule="RFC 5730 section 3"
        )
    return Result(code=code, message=message or _MESSAGES[ResultCode(code)])


_MESSAGES: Final = {
    ResultCode.COMPLETED: "command completed",
    ResultCode.COMPLETED_PENDING: "command completed, its action is pending",
    ResultCode.NO_MESSAGES: "command completed, there are no messages",
    ResultCode.ACK_TO_DEQUEUE: "command completed, acknowledge the message to take it out of the queue",
    ResultCode.ENDING_SESSION: "command completed, the session ends",
    **{code: f"refused: {code.name.lower().replace('_', ' ')}" for code in ResultCode if code >= 2000},
}
