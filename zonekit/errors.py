"""The exceptions zonekit raises, one tree.

::

    ZonekitError
    ├── TimeError            an instant or validity that is ambiguous or impossible
    ├── TtlError             a TTL or duration that is not one (RFC 2181 section 8)
    ├── DomainNameError      a domain name that breaks RFC 1035 section 2.3.4
    ├── RdataError           record data that does not fit its type
    ├── ZoneError            records that do not make a zone
    │   └── ZoneFileError    the same, with file and line (RFC 1035 section 5)
    ├── AlgorithmError       an algorithm that is unknown, unsupported or not permitted
    ├── SigningKeyError      key material that is unusable or does not match
    │   └── KeyFileError     a K*.key, K*.private or PEM text that cannot be read
    ├── DnskeyRefused        a foreign DNSKEY that fails an intake check
    │   ├── WrongOwner           ├── WrongProtocol        ├── NotZoneKey
    │   ├── RevokedKey           ├── UnsupportedKey       ├── MalformedKey
    │   ├── RoleMismatch         ├── KeyTagCollision      ├── DuplicateKey
    │   └── ResponseTooLarge
    ├── DsError              a DS, CDS, CDNSKEY or CSYNC that cannot be made
    ├── SigningError         a zone or RRset that cannot be signed as asked
    ├── SerialError          an SOA serial that would go backwards (RFC 1982)
    ├── PlanError            facts, a schedule or a step that no transfer can be planned from
    │   └── DeadlineMissed   signatures would expire before the plan is done with them
    ├── ProbeError           servers that cannot be asked: no address, or limits that make no sense
    ├── EppError             a value that no EPP frame can carry
    │   ├── FrameError       a frame that cannot be read, or is not safe to (RFC 5730)
    │   └── FrameWithheld    a frame that may not be sent now: something is not confirmed, or a status forbids it
    ├── RenderError          a value or template that cannot be printed
    ├── FileError            a file that could not be read or written
    │   ├── KeyFileExists    a private key is already there and is not replaced
    │   └── StateError       a file of transfers that cannot be used, or not as asked
    ├── FleetError           a run over many zones that cannot begin or go on
    └── PublishingError      a zone that did not come into service, or not everywhere
        ├── BindError        named-checkzone or rndc is missing, refuses or does not answer
        └── ServersBehind    it is in service, and some servers do not answer it yet

Every message says what is wrong and where, then what to do about it, then which rule decides:
``problem; remedy (rule)``. The three parts and the facts behind them stay on the exception as attributes, and every
exception survives pickling, so that it arrives whole from a worker process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from datetime import datetime


class ZonekitError(Exception):
    """The root: ``except ZonekitError`` catches everything zonekit refuses.

    Attributes:
        problem: what is wrong, and where.
        remedy: what to do about it; empty when the problem says it all.
        rule: the clause that decides, such as ``RFC 4034 section 3.1.3``; empty when none does.
    """

    def __init__(self, problem: str, *, remedy: str = "", rule: str = "") -> None:
        message = problem
        if remedy:
            message += f"; {remedy}"
        if rule:
            message += f" ({rule})"
        super().__init__(message)
        self.problem = problem
        self.remedy = remedy
        self.rule = rule

    def __reduce__(self) -> tuple[Callable[..., ZonekitError], tuple[object, ...]]:
        return _restore, (type(self), self.args, self.__dict__)

    def within(self, place: str) -> Self:
        """The same refusal with ``place: `` put before it, for a caller that knows where the bad value stood."""
        moved = _restore(type(self), (f"{place}: {self}",), self.__dict__ | {"problem": f"{place}: {self.problem}"})
        assert isinstance(moved, type(self))
        return moved


def _restore(kind: type[ZonekitError], args: tuple[object, ...], facts: dict[str, object]) -> ZonekitError:
    """Rebuild an exception from its parts without running its constructor (for pickle)."""
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(facts)
    return error


class TimeError(ZonekitError):
    """An instant or validity period that is ambiguous or impossible."""


class TtlError(ZonekitError):
    """A TTL or duration outside what DNS allows (RFC 2181 section 8)."""


class DomainNameError(ZonekitError):
    """A domain name that breaks the limits of RFC 1035 section 2.3.4 or cannot be read."""


class RdataError(ZonekitError):
    """Record data that does not fit its type."""


class ZoneError(ZonekitError):
    """Records that do not make a zone."""


class ZoneFileError(ZoneError):
    """A master file that is refused.

    Attributes:
        file: the name of the file, as given.
        line: the number of the line, from 1; 0 when the file as a whole is at fault.
        reason: what is wrong there.
    """

    def __init__(self, reason: str, *, file: str, line: int, remedy: str = "", rule: str = "") -> None:
        place = f"{file}:{line}" if line else file
        super().__init__(f"{place}: {reason}", remedy=remedy, rule=rule)
        self.file = file
        self.line = line
        self.reason = reason


class AlgorithmError(ZonekitError):
    """A DNSSEC algorithm or digest that is unknown, unsupported or not permitted here."""


class SigningKeyError(ZonekitError):
    """Key material that is unusable, or a private key that does not match its DNSKEY."""


class KeyFileError(SigningKeyError):
    """The text of a key file that cannot be read. Never quotes the private part."""


class DnskeyRefused(ZonekitError):
    """A foreign DNSKEY that fails an intake check; each check has a subclass of its own.

    Attributes:
        owner: the owner name in presentation form.
        key_tag: the key tag, or None where the key is too broken to have one.
        algorithm: the algorithm number, or None.
        others: what else was refused with it, by the same check of the same keys; each is a note of this one too, so that
            a traceback shows them all.
    """

    others: tuple[DnskeyRefused, ...] = ()

    def __init__(
        self,
        problem: str,
        *,
        owner: str,
        key_tag: int | None = None,
        algorithm: int | None = None,
        remedy: str = "",
        rule: str = "",
    ) -> None:
        super().__init__(f"{owner}: {problem}", remedy=remedy, rule=rule)
        self.owner = owner
        self.key_tag = key_tag
        self.algorithm = algorithm

    def with_others(self, others: Iterable[DnskeyRefused]) -> Self:
        """The same refusal, which tells of ``others`` as well."""
        told = tuple(others)
        notes = [*getattr(self, "__notes__", ()), *(f"also refused: {other}" for other in told)]
        facts = self.__dict__ | {"others": told, "__notes__": notes}
        joined = _restore(type(self), self.args, facts)
        assert isinstance(joined, type(self))
        return joined


class WrongOwner(DnskeyRefused):
    """The DNSKEY's owner is not the apex of the zone."""


class WrongProtocol(DnskeyRefused):
    """The DNSKEY's protocol field is not 3 (RFC 4034 section 2.1.2)."""


class NotZoneKey(DnskeyRefused):
    """The DNSKEY's zone key flag is not set (RFC 4034 section 2.1.1)."""


class RevokedKey(DnskeyRefused):
    """The DNSKEY is revoked (RFC 5011 section 2.1)."""


class UnsupportedKey(DnskeyRefused):
    """The DNSKEY's algorithm is unknown here or no longer permitted (RFC 9904, RFC 9905)."""


class MalformedKey(DnskeyRefused):
    """The public key is not a well-formed key of its algorithm, or of no sane size."""


class RoleMismatch(DnskeyRefused):
    """The SEP flag says another role than the one the key was offered for."""


class KeyTagCollision(DnskeyRefused):
    """Another key of the same algorithm has this key tag (RFC 4034 appendix B)."""


class DuplicateKey(DnskeyRefused):
    """The same DNSKEY was offered twice."""


class ResponseTooLarge(DnskeyRefused):
    """The DNSKEY response would no longer fit into one unfragmented UDP datagram.

    Attributes:
        response_octets: the size it would have.
        max_response_octets: the size it may have.
    """

    def __init__(
        self, problem: str, *, owner: str, response_octets: int, max_response_octets: int, remedy: str, rule: str
    ) -> None:
        super().__init__(problem, owner=owner, remedy=remedy, rule=rule)
        self.response_octets = response_octets
        self.max_response_octets = max_response_octets


class DsError(ZonekitError):
    """A DS, CDS, CDNSKEY or CSYNC record that cannot be made."""


class SigningError(ZonekitError):
    """A zone or an RRset that cannot be signed as asked."""


class SerialError(ZonekitError):
    """An SOA serial that would not increase in the arithmetic of RFC 1982."""


class PlanError(ZonekitError):
    """Facts, a schedule or an event that no transfer can be planned from."""


class DeadlineMissed(PlanError):
    """Signatures of the losing operator would expire before a plan is done with them.

    Attributes:
        deadline: the latest start that would be in time; None where it is not known.
    """

    def __init__(self, problem: str, *, deadline: datetime | None = None, remedy: str = "", rule: str = "") -> None:
        super().__init__(problem, remedy=remedy, rule=rule)
        self.deadline = deadline


class ProbeError(ZonekitError):
    """Servers that cannot be asked: no address is found, or the limits make no sense."""


class EppError(ZonekitError):
    """A value that no EPP frame can carry."""


class FrameError(EppError):
    """An EPP frame that cannot be read, or is not safe to read. Never quotes an authinfo code.

    Attributes:
        path: where it is at fault, as names of elements such as ``epp/response/resData``; empty where it is no XML at all.
        message_id: the message of the queue that came in it, where that could be read: who has kept the frame for somebody to
            look at can acknowledge it, and get at the next.
        client_transaction: the client's identifier of the command at fault, where that could be read: a server's answer has it.
    """

    def __init__(self, problem: str, *, path: str = "", remedy: str = "", rule: str = "") -> None:
        super().__init__(f"{path}: {problem}" if path else problem, remedy=remedy, rule=rule)
        self.path = path
        self.message_id: str | None = None
        self.client_transaction: str | None = None


class FrameWithheld(EppError):
    """A frame that may not be sent now: something it rests on is not confirmed, or a status of the domain forbids it.

    Attributes:
        reasons: each of them, as a text of one line.
    """

    def __init__(self, problem: str, *, reasons: tuple[str, ...] = (), remedy: str = "", rule: str = "") -> None:
        super().__init__(problem, remedy=remedy, rule=rule)
        self.reasons = reasons


class RenderError(ZonekitError):
    """A value or a template that cannot be printed."""


class FileError(ZonekitError):
    """A file that could not be read or written; unless the message says it is written, what was there before still is.

    Attributes:
        path: the path, as given.
    """

    def __init__(self, problem: str, *, path: str, remedy: str = "", rule: str = "") -> None:
        super().__init__(f"{path}: {problem}", remedy=remedy, rule=rule)
        self.path = path


class KeyFileExists(FileError):
    """A private key is already at this path; zonekit never writes over a key."""


class StateError(FileError):
    """A file of transfers that cannot be used, or not for what was asked."""


class FleetError(ZonekitError):
    """A run over many zones that cannot begin or go on; what is wrong with one zone is told of that zone alone."""


class PublishingError(ZonekitError):
    """A zone that did not come into service; the message says where it stopped and what is served now.

    Attributes:
        stage: the value of the :class:`zonekit.publishing.Stage` that was not reached; empty before the first.
        way_back: the value of the :class:`zonekit.publishing.WayBack` that tells what became of the old file; empty when
            it was never touched.
    """

    def __init__(self, problem: str, *, stage: str = "", way_back: str = "", remedy: str = "", rule: str = "") -> None:
        super().__init__(problem, remedy=remedy, rule=rule)
        self.stage = stage
        self.way_back = way_back


class BindError(PublishingError):
    """A program of BIND that is missing, refuses or does not answer in time."""


class ServersBehind(PublishingError):
    """The zone is in service, and some of the servers did not answer its serial in time.

    Attributes:
        behind: the names of those servers.
    """

    def __init__(
        self,
        problem: str,
        *,
        behind: tuple[str, ...] = (),
        stage: str = "",
        way_back: str = "",
        remedy: str = "",
        rule: str = "",
    ) -> None:
        super().__init__(problem, stage=stage, way_back=way_back, remedy=remedy, rule=rule)
        self.behind = behind
