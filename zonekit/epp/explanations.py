"""What a result code means for somebody who carries out a transfer, and what to do next (RFC 5730 section 3)."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from zonekit.epp.results import Result, ResultCode


class Next(enum.Enum):
    """What may be done after a command."""

    GO_ON = "go on"
    """It is done."""
    WAIT = "wait"
    """It is going to be done; a poll message tells how that ends."""
    MEND = "mend"
    """The same frame is refused again: change it, or what stands in its way."""
    AGAIN = "again"
    """Nothing is wrong with the frame: send it once more, later or in a new session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What a result means, and what to do.

    Attributes:
        code: the code.
        meaning: what it says, for people.
        to_do: what to do about it.
        next: that in a word.
        is_known: whether an RFC gives this code its meaning; else it is told by its first two digits.
        said: what the server says besides: its message and its reasons, in its own language.
    """

    code: int
    meaning: str
    to_do: str
    next: Next
    is_known: bool = True
    said: tuple[str, ...] = ()

    def __str__(self) -> str:
        told = f" ({'; '.join(self.said)})" if self.said else ""
        return f"{self.code}: {self.meaning}{told}; {self.to_do}"


_MEND_FRAME: Final = "report it with the frame: zonekit should not have written it for this registry"
_ASK_HELP: Final = "see that the profile of the registry is right; ask the registry what it takes"
_TABLE: Final[Mapping[ResultCode, tuple[str, str, Next]]] = MappingProxyType(
    {
        ResultCode.COMPLETED: (
            "done",
            "go on; what the servers of the parent give is another matter: ask those",
            Next.GO_ON,
        ),
        ResultCode.COMPLETED_PENDING: (
            "taken, and not done yet",
            "wait for the poll message that says how it ends, and take nothing for done before",
            Next.WAIT,
        ),
        ResultCode.NO_MESSAGES: ("the queue is empty", "poll again later", Next.GO_ON),
        ResultCode.ACK_TO_DEQUEUE: (
            "a message is there",
            "keep what it says safely, then acknowledge it, so that the next one comes",
            Next.GO_ON,
        ),
        ResultCode.ENDING_SESSION: ("the session ends", "log in again for more", Next.GO_ON),
        ResultCode.UNKNOWN_COMMAND: ("the server does not know the command", _ASK_HELP, Next.MEND),
        ResultCode.COMMAND_SYNTAX: ("the frame is not as the schemas demand", _MEND_FRAME, Next.MEND),
        ResultCode.COMMAND_USE: (
            "the command is not possible now, such as before a login or twice at once",
            "log in first; look at what was sent before it",
            Next.MEND,
        ),
        ResultCode.MISSING_PARAMETER: (
            "something that this registry requires is missing",
            "the reasons name it; a transfer may need a period, a DS its key (ds-data-with-key in the profile)",
            Next.MEND,
        ),
        ResultCode.PARAMETER_RANGE: (
            "a value is out of the range that this registry takes",
            "the reasons name it; for a DS or key say the digest types and algorithms that it takes in its profile",
            Next.MEND,
        ),
        ResultCode.PARAMETER_SYNTAX: (
            "a value is not written as this registry wants it",
            "the reasons name it; look at host names, addresses and keys",
            Next.MEND,
        ),
        ResultCode.UNIMPLEMENTED_VERSION: ("the server speaks another version of EPP", _ASK_HELP, Next.MEND),
        ResultCode.UNIMPLEMENTED_COMMAND: (
            "the registry does not offer the command",
            "say so in its profile; have it done by the registry's web interface or by hand",
            Next.MEND,
        ),
        ResultCode.UNIMPLEMENTED_OPTION: (
            "the registry does not offer an option, such as an urgent change or maxSigLife (RFC 5910 section 5.2.5)",
            "leave urgent and maxSigLife out, and say in its profile that it does not take them",
            Next.MEND,
        ),
        ResultCode.UNIMPLEMENTED_EXTENSION: (
            "the registry does not offer the extension, or it was not named at login",
            (
                "log in with its namespace among the extensions; where the greeting does not have it, have the DS or keys entered"
                " by another way"
            ),
            Next.MEND,
        ),
        ResultCode.BILLING_FAILURE: (
            "the account has no credit left",
            "pay, then send the frame again; a transfer may cost a renewal",
            Next.AGAIN,
        ),
        ResultCode.NOT_RENEWABLE: (
            "the registration cannot be prolonged now",
            "leave the period out of the transfer, or wait until the registry allows it",
            Next.MEND,
        ),
        ResultCode.NOT_TRANSFERABLE: (
            "the domain may not be transferred now, such as shortly after it was registered or transferred",
            "ask the registry from when on it may; nothing else of the plan has to be undone meanwhile",
            Next.MEND,
        ),
        ResultCode.AUTHENTICATION: ("the login is refused", "see to the client's identifier and password", Next.MEND),
        ResultCode.AUTHORIZATION: (
            "this client may not do that: the domain has another sponsor",
            "have its sponsor send the frame: the losing registrar until the domain is transferred, the gaining one afterwards",
            Next.MEND,
        ),
        ResultCode.INVALID_AUTH_INFO: (
            "the authinfo code is wrong, or holds no more",
            "get a fresh code from the losing registrar, and compare it character by character",
            Next.MEND,
        ),
        ResultCode.PENDING_TRANSFER: (
            "a transfer of the domain is under way already",
            "ask with a transfer query who asked for it; wait for its end, or have it cancelled or rejected",
            Next.WAIT,
        ),
        ResultCode.NOT_PENDING_TRANSFER: (
            "no transfer of the domain is under way",
            "ask with a domain info who its sponsor is: it may be transferred already, or rejected",
            Next.MEND,
        ),
        ResultCode.OBJECT_EXISTS: (
            "it is there already",
            "for a host object that is as good as made: go on, and see that its addresses are right",
            Next.MEND,
        ),
        ResultCode.OBJECT_MISSING: (
            "it is not there",
            "make host objects before the domain names them; look at how the domain is spelt",
            Next.MEND,
        ),
        ResultCode.STATUS_PROHIBITS: (
            "a status of the domain or host stands in the way",
            (
                "ask with a domain info for its statuses: a client... one is lifted by the sponsor, a server... one by the registry,"
                " and a pending one goes by itself"
            ),
            Next.MEND,
        ),
        ResultCode.ASSOCIATION_PROHIBITS: (
            "something else at the registry still uses it",
            "take it out of use there first; a host that domains use cannot be deleted",
            Next.MEND,
        ),
        ResultCode.PARAMETER_POLICY: (
            "a value is against the policy of the registry",
            (
                "the reasons name it: often the number of DS or name servers, a digest type or an algorithm; say what it takes in its"
                " profile"
            ),
            Next.MEND,
        ),
        ResultCode.UNIMPLEMENTED_SERVICE: (
            "the server does not know this kind of object, or it was not named at login",
            "log in with its namespace among the objects; where the registry has no host objects, say hostAttr in its profile",
            Next.MEND,
        ),
        ResultCode.DATA_POLICY: (
            "what would come of it is against the policy of the registry",
            (
                "many registries look at the zone before they take a DS or NS: see with zonekit status that every server gives what"
                " the step counts on; then look at the number of DS and name servers"
            ),
            Next.MEND,
        ),
        ResultCode.COMMAND_FAILED: (
            "the server failed, and nothing is changed",
            "send it again later; ask with a domain info before, to be sure",
            Next.AGAIN,
        ),
        ResultCode.FAILED_CLOSING: (
            "the server failed and ends the session",
            "log in again and ask with a domain info what was done before you send it again",
            Next.AGAIN,
        ),
        ResultCode.AUTHENTICATION_CLOSING: (
            "the login is refused and the session ends",
            "see to the client's identifier and password before the registry locks them",
            Next.MEND,
        ),
        ResultCode.SESSION_LIMIT_CLOSING: (
            "there are too many sessions, and this one ends",
            "end another one, then log in again",
            Next.AGAIN,
        ),
    }
)
_KINDS: Final[Mapping[int, str]] = MappingProxyType(
    {
        20: "a failure of syntax",
        21: "a failure of what the server does not implement, or of what it bills",
        22: "a failure of permission",
        23: "a failure of what the registry holds or allows",
        24: "a failure of the server",
        25: "a failure that ends the session",
    }
)


def explain(result: Result) -> Explanation:
    """Return what a result means and what to do next; a code of no RFC is told by its first two digits, and said to be unknown.

    What the server says goes along in its own words. Values that it quotes do not: an authinfo code may be among them.

    >>> from zonekit.epp.results import result
    >>> explain(result(ResultCode.COMPLETED_PENDING)).next
    <Next.WAIT: 'wait'>
    """
    said = tuple(
        dict.fromkeys(text for text in (result.message, *[each.text for each in result.reasons]) if text.strip())
    )
    known = result.known
    if known is not None:
        meaning, to_do, following = _TABLE[known]
        return Explanation(code=result.code, meaning=meaning, to_do=to_do, next=following, said=said)
    kind = _KINDS.get(result.code // 100)
    if result.is_success:
        meaning = "a success that no RFC knows"
        to_do = "ask the registry what it means, and with a domain info what was done, before you go on"
        return Explanation(code=result.code, meaning=meaning, to_do=to_do, next=Next.WAIT, is_known=False, said=said)
    meaning = f"{kind or 'a failure'}, with a code that no RFC knows"
    to_do = "ask the registry what it means"
    return Explanation(code=result.code, meaning=meaning, to_do=to_do, next=Next.MEND, is_known=False, said=said)
