"""A zone file into service under BIND, with a way back until named has it.

::

    staged     the new file is whole, beside the one that named reads
    checked    named-checkzone takes it; named serves the zone from this file and does not change it itself; the serial is
               after the one of the old file and of every server
    replaced   the new file has the name of the old one, which is kept beside it
    reloaded   named was told to reload the zone, and says that it has loaded the new serial
    answered   every server that was listed answers the new serial

Whatever fails up to ``checked`` has changed nothing. Between ``replaced`` and ``reloaded`` the old file goes back, and named
is told to load it again. Once named has loaded the new serial there is no way back any more, because secondaries begin to
take it: they would never go back to a lower serial (RFC 1982 section 3.2, RFC 5936 section 6), and the primary server alone
would serve the old zone. So where only a secondary is late, the new file stays, and :class:`ServersBehind` names who is
late; the way on is to mend that server, and the way back is the old zone with a serial after the new one.

A process that is killed leaves the old file beside the new one. The next time, named's serial says which of the two is in
service, and that one is in place before anything else is done.
"""

from __future__ import annotations

import enum
import itertools
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from zonekit.asking import NoAnswer, Server, serial_at
from zonekit.bind import CheckZone, Reload, Rndc, ZoneStatus
from zonekit.errors import BindError, FileError, PublishingError, ServersBehind, ZoneError, ZonekitError
from zonekit.files import Replacement, StrPath, octets_of, read_zone, replacing
from zonekit.findings import Finding, Severity
from zonekit.names import WireName, name_text, order_key
from zonekit.sealing import iter_sealed_text
from zonekit.serials import serial_gt
from zonekit.zonefile import parse_zone_with_findings
from zonekit.zones import Zone

LOCAL_SERVER: Final = Server(name="127.0.0.1", address="127.0.0.1")
_SERIAL_RULE: Final = "RFC 1982 section 3.2"
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 1.0
_WAIT_FOR_OLD: Final = timedelta(seconds=10)
_QUESTIONS: Final = 2  # a datagram may get lost


class Stage(enum.Enum):
    """How far a zone file has come; see the head of this module."""

    STAGED = "staged"
    CHECKED = "checked"
    REPLACED = "replaced"
    RELOADED = "reloaded"
    ANSWERED = "answered"


class WayBack(enum.Enum):
    """What became of the old file when it did not work out.

    TAKEN: it is back in place, and named has it.
    FILE_ONLY: it is back in place, and whether named has it is not sure, or named has the new zone.
    FAILED: it could not be put back; the message says where it is.
    CLOSED: the new zone is in service and stays.
    """

    TAKEN = "taken"
    FILE_ONLY = "file only"
    FAILED = "failed"
    CLOSED = "closed"


class Extent(enum.Enum):
    """How far to go.

    CHECK: up to :attr:`Stage.CHECKED`, and nothing is changed.
    PUBLISH: all the way.
    """

    CHECK = "check"
    PUBLISH = "publish"


class Journal(enum.Enum):
    """What a journal beside the zone file means.

    OF_UPDATES: named keeps changes in it that are in no zone file: the file must not be replaced.
    OF_DIFFERENCES: named makes it from the zone files for IXFR (``ixfr-from-differences``), and goes on doing so.
    """

    OF_UPDATES = "of updates"
    OF_DIFFERENCES = "of differences"


class Outcome(enum.Enum):
    """What was done.

    CHECKED: it was checked only.
    REPLACED: the file was replaced and is in service.
    RELOADED: the file was in place already, and is in service now.
    NOTHING_TO_DO: the file was in place and in service already.
    """

    CHECKED = "checked"
    REPLACED = "replaced"
    RELOADED = "reloaded"
    NOTHING_TO_DO = "nothing to do"


def _tell_nobody(stage: Stage) -> None:
    """For who does not watch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Where and how a zone is served.

    Attributes:
        servers: those that have to answer the new serial before it is done.
        rndc: how to speak to the named that loads the file.
        check_zone: what checks the file before.
        timeout: how long named may take to load the zone, and then the servers to answer it.
        journal: what a journal beside the zone file means.
        on_stage: is told of each stage that is reached; what it raises counts as a failure after that stage.
    """

    servers: tuple[Server, ...] = (LOCAL_SERVER,)
    rndc: Rndc = field(default_factory=Rndc)
    check_zone: CheckZone = field(default_factory=CheckZone)
    timeout: timedelta = timedelta(seconds=60)
    journal: Journal = Journal.OF_UPDATES
    on_stage: Callable[[Stage], None] = _tell_nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What came of it.

    Attributes:
        apex: the zone.
        path: the file that named serves it from.
        serial: its serial.
        old_serial: the serial that named had before; None where it had not loaded the zone.
        outcome: what was done.
        servers: those that answer the serial.
        findings: what was odd about the zone file, or was left over from an earlier time.
    """

    apex: WireName
    path: str
    serial: int
    old_serial: int | None
    outcome: Outcome
    servers: tuple[Server, ...]
    findings: tuple[Finding, ...] = ()


def publish_file(
    source: StrPath,
    path: StrPath | None = None,
    *,
    origin: str | None = None,
    service: Service | None = None,
    extent: Extent = Extent.PUBLISH,
) -> Published:
    """Put a zone file into service, as it is, octet by octet.

    Args:
        source: the new file; it stays where it is.
        path: the file that named serves the zone from; without it, the one that named says.
        origin: the name of the zone; without it the first record must be the SOA, with its owner.
        service: where and how the zone is served.
        extent: whether to check only.

    Raises:
        FileError: the new file cannot be read.
        ZoneFileError: it is no zone file, or includes others.
        PublishingError: it did not come into service; says at which stage, what is served, and where the old file is.
        ServersBehind: it is in service, and not all the servers answer it yet.
    """
    octets = list(octets_of(source))  # read once, so that what is checked is what is published
    parsed = parse_zone_with_findings(octets, origin, file=os.fspath(source))
    new = _New(
        apex=parsed.zone.apex,
        serial=parsed.zone.serial,
        shown=os.fspath(source),
        pieces=octets,
        findings=parsed.findings,
    )
    return _publish(new, path, service or Service(), extent)


def publish_zone(
    zone: Zone,
    path: StrPath | None = None,
    *,
    service: Service | None = None,
    extent: Extent = Extent.PUBLISH,
    octets: Iterable[bytes] | None = None,
) -> Published:
    """Print a zone and put it into service. See :func:`publish_file`.

    Args:
        zone: the zone.
        path: the file that named serves the zone from; without it, the one that named says.
        service: where and how the zone is served.
        extent: whether to check only.
        octets: its zone file, in pieces, where somebody has it already. What they raise passes through; nothing is
            changed then.

    Raises:
        PublishingError: it did not come into service; says at which stage, what is served, and where the old file is.
        ServersBehind: it is in service, and not all the servers answer it yet.
    """
    new = _New(
        apex=zone.apex,
        serial=zone.serial,
        shown=f"the new zone {name_text(zone.apex)}",
        pieces=(piece.encode() for piece in iter_sealed_text(zone)) if octets is None else octets,
    )
    return _publish(new, path, service or Service(), extent)


# ---- the sequence ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _New:
    """What is to come into service; ``shown`` is what messages call it."""

    apex: WireName
    serial: int
    shown: str
    pieces: Iterable[bytes]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """One zone on its way, with what named said of it at the beginning."""

    new: _New
    zone: str
    service: Service
    replacement: Replacement
    status: ZoneStatus


def _publish(new: _New, path: StrPath | None, service: Service, extent: Extent) -> Published:
    zone = name_text(new.apex)
    with ExitStack() as stack:
        with _stage(zone, Stage.STAGED):
            target = _file_of(service.rndc.status(zone), zone) if path is None else path
            replacement = stack.enter_context(replacing(target))
            status = service.rndc.status(zone)
            work = _Work(new=new, zone=zone, service=service, replacement=replacement, status=status)
            _check_status(work, target)
            recovered = _recover(work, extent)
        in_place = _stage_and_check(work, recovered)
        outcome = Outcome.CHECKED if extent is Extent.CHECK else _into_service(work, in_place=in_place)
    return Published(
        apex=new.apex,
        path=replacement.target,
        serial=new.serial,
        old_serial=status.serial,
        outcome=outcome,
        servers=() if extent is Extent.CHECK else service.servers,
        findings=(*new.findings, *recovered),
    )


def _stage_and_check(work: _Work, recovered: tuple[Finding, ...]) -> bool:
    """Write the new file and check it; return whether the very same one is in place already."""
    replacement, new, service = work.replacement, work.new, work.service
    with _stage(work.zone, Stage.STAGED, recovered):
        replacement.stage(new.pieces)
    service.on_stage(Stage.STAGED)
    with _stage(work.zone, Stage.CHECKED, recovered):
        in_place = replacement.has_target and _same_octets(replacement.staged, replacement.target)
        _check_old(work, in_place=in_place)
        service.check_zone.check(work.zone, replacement.staged, shown=new.shown)
        _check_servers(work, may_have_it=in_place)
    service.on_stage(Stage.CHECKED)
    return in_place


def _into_service(work: _Work, *, in_place: bool) -> Outcome:
    """Do what is still to be done, and wait for the servers."""
    if not in_place:
        outcome = Outcome.REPLACED
        _replace_and_load(work)
    elif work.status.serial != work.new.serial:
        outcome = Outcome.RELOADED
        _load_what_is_in_place(work)
    else:
        outcome = Outcome.NOTHING_TO_DO
    _wait_for_answers(work)
    return outcome


@contextmanager
def _stage(zone: str, stage: Stage, recovered: tuple[Finding, ...] = ()) -> Iterator[None]:
    """Tell of a failure before a stage at which nothing has been changed yet, but what was recovered."""
    try:
        yield
    except ZonekitError as error:
        before = "".join([f" ({finding.message})" for finding in recovered])
        raise PublishingError(
            f"{zone}: stopped before it was {stage.value}, and nothing was changed{before}: {error.problem}",
            stage=stage.value,
            remedy=error.remedy,
            rule=error.rule,
        ) from error


def _replace_and_load(work: _Work) -> None:
    """Put the new file in place and have named load it; on any failure until it has, go back."""
    stage = Stage.REPLACED
    try:
        work.replacement.put_in_place()
        work.service.on_stage(Stage.REPLACED)
        stage = Stage.RELOADED
        _load(work)
    except BaseException as error:
        _go_back(work, stage, error)
    work.replacement.settle()
    work.service.on_stage(Stage.RELOADED)


def _load_what_is_in_place(work: _Work) -> None:
    """Have named load a file that was in place already: there is none to go back to."""
    try:
        _load(work)
    except BindError as error:
        raise PublishingError(
            f"{work.zone}: stopped before it was {Stage.RELOADED.value}: {error.problem};"
            f" {work.replacement.path} held the new zone before, and there is no old file to go back to",
            stage=Stage.RELOADED.value,
            remedy=error.remedy,
        ) from error
    work.service.on_stage(Stage.RELOADED)


def _load(work: _Work) -> None:
    rndc = work.service.rndc
    answer = rndc.reload(work.zone)
    for _ in _tries(work.service.timeout):
        served = rndc.status(work.zone).serial
        if served == work.new.serial:
            return
        if answer is Reload.UP_TO_DATE:  # a file with an old time, or a disk that keeps times in whole seconds
            work.replacement.touch()
            answer = rndc.reload(work.zone)
    raise BindError(
        f"{work.service.timeout.total_seconds():g} s after rndc reload named {_has(served)}",
        remedy="see in its log why it did not load the file; if it only takes longer, give it more time",
    )


def _wait_for_answers(work: _Work) -> None:
    """Wait until every server answers the new serial, or one after it."""
    timeout = work.service.timeout
    answers: dict[Server, int | NoAnswer] = {}
    waiting = list(work.service.servers)
    for left in _tries(timeout):
        for server in waiting:
            answers[server] = serial_at(server, work.new.apex, timeout=_patience(left))
        waiting = [server for server in waiting if not _has_come(answers[server], work.new.serial)]
        if not waiting:
            work.service.on_stage(Stage.ANSWERED)
            return
    raise ServersBehind(
        f"{work.zone}: stopped before it was {Stage.ANSWERED.value} everywhere: serial {work.new.serial} is in service and"
        f" stays, since servers that have taken it would refuse an earlier one; after {timeout.total_seconds():g} s "
        + ", ".join(f"{server} {_said(answers[server])}" for server in waiting),
        behind=tuple(server.name for server in waiting),
        stage=Stage.ANSWERED.value,
        way_back=WayBack.CLOSED.value,
        remedy="see why they do not transfer it, then publish the same file again: that only asks; to go back, publish the"
        " old zone with a later serial",
        rule=_SERIAL_RULE,
    )


# ---- what has to hold before anything is changed --------------------------------------------------------------------


def _file_of(status: ZoneStatus, zone: str) -> str:
    """The file that named loads the zone from, by its own word."""
    if status.file is None:
        raise PublishingError(
            f"named does not say from which file it serves {zone}",
            remedy="name the file that named.conf has for it (--to)",
        )
    if not os.path.isabs(status.file):
        raise PublishingError(
            f"named serves {zone} from {status.file}, which counts from its own directory",
            remedy="name that file with its whole path (--to)",
        )
    if not os.path.exists(status.file):
        raise PublishingError(
            f"named serves {zone} from {status.file}, which is not there",
            remedy="name the file as this machine sees it (--to): named may run in a chroot",
        )
    return status.file


def _check_status(work: _Work, path: StrPath) -> None:
    """Refuse a zone that named would not load from this file, or that it changes itself."""
    status, zone = work.status, work.zone
    if status.kind not in ("", "primary", "master"):
        raise PublishingError(
            f"this named is no primary server of {zone}, its type is {status.kind}",
            remedy="publish it at the primary one",
        )
    if status.inline_signing:
        raise PublishingError(
            f"named signs {zone} itself (inline-signing), and would not serve the zone as it is published",
            remedy="let dnssec-policy add the keys, or serve the signed file without dnssec-policy and inline-signing",
        )
    if status.dynamic:
        raise PublishingError(
            f"{zone} is dynamic: named changes it itself and does not reload its file",
            remedy="change it by dynamic update (nsupdate), or rndc freeze it, replace the file, and rndc thaw it",
        )
    journal = f"{work.replacement.target}.jnl"
    if work.service.journal is Journal.OF_UPDATES and os.path.lexists(journal):
        raise PublishingError(
            f"{journal} is there: named keeps changes in it that the zone file may lack, and would not load a file that does"
            " not go with it",
            remedy=f"rndc sync -clean {zone} while it still is dynamic, or, where ixfr-from-differences made it, say so"
            " (--ixfr-from-differences)",
        )
    _check_file(status, path, work)


def _check_file(status: ZoneStatus, path: StrPath, work: _Work) -> None:
    """Refuse a file that is not the one that named has, as far as this machine can tell."""
    if status.file is None:
        return
    target = work.replacement.target
    if os.path.isabs(status.file) and os.path.exists(status.file):
        same = os.path.realpath(status.file) == target
    else:
        # It counts from named's directory or its chroot: the name at least has to be the same.
        same = os.path.basename(status.file) in (os.path.basename(target), os.path.basename(os.fspath(path)))
    if not same:
        raise PublishingError(
            f"named serves {work.zone} from {status.file}, not from {work.replacement.path}",
            remedy="name that file, or none (--to)",
        )


def _check_old(work: _Work, *, in_place: bool) -> None:
    """Refuse to put a zone in the place of another one, or of the same one with a serial that is not before."""
    new, replacement = work.new, work.replacement
    if in_place:
        if work.status.serial is not None and serial_gt(work.status.serial, new.serial):
            raise _not_after(new.serial, f"named serves {work.status.serial}")
        return
    old = _zone_in(replacement.target, new.apex)
    if old is not None and order_key(old.apex) != order_key(new.apex):
        raise PublishingError(
            f"{replacement.path} holds the zone {name_text(old.apex)}", remedy="name the file of this zone (--to)"
        )
    if old is not None and not serial_gt(new.serial, old.serial):
        raise _not_after(new.serial, f"{replacement.path} has {old.serial}")
    if work.status.serial is not None and not serial_gt(new.serial, work.status.serial):
        raise _not_after(new.serial, f"named serves {work.status.serial}")


def _check_servers(work: _Work, *, may_have_it: bool) -> None:
    """Refuse while a server cannot be asked, or has a serial after which the new one is none.

    Before named has loaded the zone for the first time, nobody has to answer for it.
    """
    for server in work.service.servers:
        answer = _asked(server, work.new.apex)
        if isinstance(answer, NoAnswer):
            if work.status.serial is None:
                continue
            raise PublishingError(
                f"{server} {answer.detail}",
                remedy="mend it first, or leave it out and look after it yourself (--server)",
            )
        if serial_gt(work.new.serial, answer) or (may_have_it and answer == work.new.serial):
            continue
        raise _not_after(work.new.serial, f"{server} answers {answer}")


def _asked(server: Server, apex: WireName) -> int | NoAnswer:
    answer = serial_at(server, apex)
    for _ in range(_QUESTIONS - 1):
        if isinstance(answer, NoAnswer):
            answer = serial_at(server, apex)
    return answer


def _not_after(serial: int, other: str) -> PublishingError:
    return PublishingError(
        f"serial {serial} is not after what there is: {other}", remedy="raise the serial", rule=_SERIAL_RULE
    )


def _zone_in(path: str, apex: WireName) -> Zone | None:
    """The zone in a file, be it this one or another; None where there is no file, or none that can be read as a zone."""
    if not os.path.lexists(path):
        return None
    for origin in (name_text(apex), None):
        try:
            return read_zone(path, origin=origin)
        except ZoneError:
            continue
    return None


def _same_octets(path: str, other: str) -> bool:
    pairs = itertools.zip_longest(octets_of(path), octets_of(other))
    return all(one == two for one, two in pairs)


# ---- the way back ---------------------------------------------------------------------------------------------------


def _recover(work: _Work, extent: Extent) -> tuple[Finding, ...]:
    """Bring into place what is in service, where an earlier process was killed before it had settled that."""
    replacement, served = work.replacement, work.status.serial
    if not replacement.is_kept:
        return ()
    if replacement.has_target and _same_octets(replacement.kept, replacement.target):
        if extent is Extent.PUBLISH:
            replacement.settle()
        return ()
    kept, placed = _zone_in(replacement.kept, work.new.apex), _zone_in(replacement.target, work.new.apex)
    kept_serial, placed_serial = (None if zone is None else zone.serial for zone in (kept, placed))
    if extent is Extent.CHECK:
        done = "the next publishing brings the file in service into place first"
    elif served is None or served == kept_serial:
        replacement.put_back()
        done = f"named had not loaded the file it left, and the old one with serial {kept_serial} is back in place"
    elif served == placed_serial:
        replacement.settle()
        done = f"named had loaded its file with serial {placed_serial}, which stays"
    else:
        raise PublishingError(
            f"an earlier publishing was interrupted: {replacement.target} has serial {placed_serial}, {replacement.kept},"
            f" the file before it, has {kept_serial}, and named serves {served}",
            remedy="put the file that is to be served in place, and remove the other",
        )
    return (
        Finding(
            code="publishing-interrupted",
            severity=Severity.WARNING,
            owner=work.zone,
            message=f"an earlier publishing was interrupted: {done}",
        ),
    )


def _go_back(work: _Work, stage: Stage, error: BaseException) -> None:
    """Put the old file back and raise what went wrong; return where named has the new zone after all."""
    if work.replacement.is_staged:
        told, way_back = "nothing was changed", None
    elif _is_loaded(work):
        work.replacement.settle()
        if isinstance(error, BindError):
            return
        told, way_back = f"named has serial {work.new.serial}, and the new file stays", WayBack.CLOSED
    else:
        told, way_back = _put_back(work)
    if not isinstance(error, ZonekitError | OSError):
        error.add_note(f"{work.zone}: stopped before it was {stage.value}; {told}")
        raise error
    problem, remedy, rule = (
        (error.problem, error.remedy, error.rule) if isinstance(error, ZonekitError) else (str(error), "", "")
    )
    raise PublishingError(
        f"{work.zone}: stopped before it was {stage.value}: {problem}; {told}",
        stage=stage.value,
        way_back="" if way_back is None else way_back.value,
        remedy=remedy,
        rule=rule,
    ) from error


def _is_loaded(work: _Work) -> bool:
    """Whether the new serial is in service already; when rndc does not say, the servers do."""
    try:
        return work.service.rndc.status(work.zone).serial == work.new.serial
    except BindError:
        return any(_asked(server, work.new.apex) == work.new.serial for server in work.service.servers)


def _put_back(work: _Work) -> tuple[str, WayBack]:
    """Put the old file back and have named load it again; return what came of that, in words too."""
    replacement, old_serial = work.replacement, work.status.serial
    back = f"the old file is back in place as {replacement.path}"
    try:
        replacement.put_back()
    except FileError as failure:
        if replacement.is_kept or not replacement.has_old:
            return f"{failure.problem}; the new zone is in place, and named still {_has(old_serial)}", WayBack.FAILED
        back = failure.problem
    if not replacement.has_old:
        return f"there was no file before, and {replacement.path} is gone again", WayBack.TAKEN
    if old_serial is None:
        return f"{back}, and named has not loaded it, as before", WayBack.TAKEN
    try:
        served = _load_old(work)
    except BindError as failure:
        return f"{back}, but named did not say that it has loaded it: {failure.problem}", WayBack.FILE_ONLY
    if served is None:
        told = f"{back}, but named did not load it again, and may still be loading the new one"
        return f"{told}: ask it with rndc zonestatus {work.zone}", WayBack.FILE_ONLY
    if served != old_serial:
        told = f"{back}, but named {_has(served)}: servers that took it refuse an earlier one"
        return f"{told}, so that the next zone needs a serial after it", WayBack.FILE_ONLY
    return f"{back}, and named {_has(served)}", WayBack.TAKEN


def _load_old(work: _Work) -> int | None:
    """Have named load the old file again and return the serial that it has then; None where it does not load it.

    That it still has the old serial is not enough: it may be about to load the new file, which it has opened already. It
    tells when it loaded a file last in whole seconds, so that it may have to load the old one more than once.
    """
    rndc, before = work.service.rndc, work.status
    rndc.reload(work.zone)
    for _ in _tries(_WAIT_FOR_OLD):
        status = rndc.status(work.zone)
        if status.serial != before.serial or status.last_loaded != before.last_loaded or not status.last_loaded:
            return status.serial
        work.replacement.touch()
        rndc.reload(work.zone)
    return None


# ---- waiting and wording --------------------------------------------------------------------------------------------


def _tries(timeout: timedelta) -> Iterator[timedelta]:
    """Yield what time is left, at once and then after pauses that grow, until there is none."""
    end = time.monotonic() + timeout.total_seconds()
    pause = _FIRST_PAUSE
    yield timeout
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(pause, left))
        pause = min(2 * pause, _LONGEST_PAUSE)
        yield timedelta(seconds=max(end - time.monotonic(), 0))


def _patience(left: timedelta) -> timedelta:
    """How long to wait for one answer: not so long that the others are not asked again."""
    return min(max(left, timedelta(milliseconds=200)), timedelta(seconds=2))


def _has_come(answer: int | NoAnswer, serial: int) -> bool:
    return not isinstance(answer, NoAnswer) and (answer == serial or serial_gt(answer, serial))


def _said(answer: int | NoAnswer) -> str:
    return answer.detail if isinstance(answer, NoAnswer) else f"answers serial {answer}"


def _has(serial: int | None) -> str:
    return "has not loaded the zone" if serial is None else f"has serial {serial}"
