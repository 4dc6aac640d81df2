"""Fleets: many zones signed, merged or verified, from directory to directory, over any ``concurrent.futures.Executor``.

A fleet is a directory of zone files, each named by its zone in lower case: ``example.nl.zone``. What is made of them goes to
another directory under the same names, so that each step of a provider's work is a directory made from another, and can
be repeated at any time. Keys are BIND's files, all in one directory, as ``dnssec-keygen -K`` leaves them.

Work is cut into batches of some hundred zones. Names travel to the executor and outcomes come back, a bounded number at a
time, so that ten million zones take no more memory than ten thousand; only the names of the key files are held, all those
of one directory. The files of a batch come with one sync (:mod:`zonekit.staging`).

**What is done stays done.** The first line of a file made here is its *recipe* (:mod:`zonekit.recipes`): a digest of the
zone file's text, of the keys and of the rules that it was made with, and until when its signatures last. Whatever ended a run, the next one finds
by it what is up to date, and makes the rest. There is no journal that could be lost or say something else than the files: a
zone that was changed is made anew, so is one whose keys or rules have changed, and one whose signatures expire soon. So
the same command, run every day, re-signs what has to be.

New keys are made for zones alone that were never signed: where the zone has DNSKEYs, or something was made of it before,
the keys are somewhere else, and with others the zone would not validate. A batch whose worker died is begun again from
what stands on the disk by then.

What is wrong with one zone is told in the outcome of that zone, and the others go on.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import itertools
import os
import re
import stat
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from zonekit import rdata as rd
from zonekit.algorithms import Algorithm
from zonekit.apex import merge_dnskeys
from zonekit.crews import Batch, ZoneOutcome, ZoneResult, carried_out, internal_error
from zonekit.denial import Denial
from zonekit.dnskeys import Dnskey, parse_dnskeys
from zonekit.errors import DomainNameError, FileError, FleetError, KeyFileExists, SigningError, ZonekitError
from zonekit.files import (
    PRIVATE_MODE,
    PUBLIC_MODE,
    StrPath,
    file_errors,
    looks_like_private_key,
    plain_path,
    read_keys_among,
    read_text,
    shown_path,
)
from zonekit.findings import Finding, Severity
from zonekit.instants import SignatureValidity, epoch_seconds, instant_text, utc
from zonekit.keyfiles import render_key_file, render_private_file
from zonekit.keys import KeyRole, KeyTiming, KeyUse, SigningKey, generate_csk, generate_ksk, generate_zsk, key_file_stem
from zonekit.names import from_wire_name, name_text, parse_origin
from zonekit.nodes import signature_expirations
from zonekit.recipes import Recipe
from zonekit.render import iter_zone_text
from zonekit.serials import SerialPolicy, change_serial, serial_gt
from zonekit.signing import DEFAULT_DNSKEY_TTL, Jitter, sign_zone
from zonekit.staging import Staging, begun, claimed, finish_killed_run, joined
from zonekit.verifying import verify_zone
from zonekit.verifying.verification import joined as joined_findings
from zonekit.zonefile import Misfits, parse_rrsets, parse_zone_with_findings
from zonekit.zones import RRset, Zone

ZONE_SUFFIX: Final = ".zone"
DNSKEYS_SUFFIX: Final = ".dnskeys"
BATCH_ZONES: Final = 100

_KEY_SUFFIXES: Final = (".key", ".private")
_DIGEST_OCTETS: Final = 16
_PIECE_OCTETS: Final = 2**18
_GROUP_OCTETS: Final = 2**20  # of zone files that take each step together
_LOOKED_AT: Final = 4096
_KEY_FILE: Final = re.compile(r"K(.+)\.\+\d{3}\+\d{5}\.(?:key|private)", re.ASCII | re.DOTALL)
_ESCAPED_SLASH: Final = r"\047"
_PLAIN_ZONE: Final = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*", re.ASCII)
_TO_READ: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe must not wait
_SEP_FLAG: Final = 1
_MODULUS: Final = 2**32


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSummary:
    """What became of a fleet, counted.

    Attributes:
        done: zones that were signed, merged or verified.
        current: zones that were up to date.
        left_alone: zones with which there was nothing to do.
        failed: zones that failed.
        with_findings: zones with findings.
        new_keys: keys that were generated.
    """

    done: int = 0
    current: int = 0
    left_alone: int = 0
    failed: int = 0
    with_findings: int = 0
    new_keys: int = 0

    @classmethod
    def of(cls, outcomes: Iterable[ZoneOutcome]) -> FleetSummary:
        """Return the summary of outcomes, which may come one by one and are not kept.

        >>> FleetSummary.of([ZoneOutcome(zone="example.nl", result=ZoneResult.DONE)]).zones
        1
        """
        counts = dict.fromkeys(ZoneResult, 0)
        with_findings = new_keys = 0
        for outcome in outcomes:
            counts[outcome.result] += 1
            with_findings += bool(outcome.findings)
            new_keys += len(outcome.new_keys)
        return cls(
            done=counts[ZoneResult.DONE],
            current=counts[ZoneResult.CURRENT],
            left_alone=counts[ZoneResult.LEFT_ALONE],
            failed=counts[ZoneResult.FAILED],
            with_findings=with_findings,
            new_keys=new_keys,
        )

    @property
    def zones(self) -> int:
        """All of them."""
        return self.done + self.current + self.left_alone + self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningRules:
    """How each zone of a fleet is signed.

    Attributes:
        signatures_validity: how long new signatures are valid.
        signatures_refresh: how long before its first signature expires a zone is signed anew.
        denial: NSEC or NSEC3; when not given, what the zone has, else NSEC.
        dnskey_ttl: the TTL of the DNSKEY RRset, in seconds, where the zone does not have one yet.
        serial: the new serial, counted from that of the zone file or from the one signed last, whichever is later.
        jitter: how far expirations are spread.
        flagged_keys: what a key with the SEP flag is, KSK or CSK; key files do not tell the two apart.
        generate: the algorithm of the keys that are generated for a zone of which there is no key file at all, a KSK and
            a ZSK or a CSK; None where a zone without keys fails.

    Raises:
        FleetError: signatures that would be signed anew as soon as they are made, or ``flagged_keys`` is ZSK.
    """

    signatures_validity: timedelta = timedelta(days=14)
    signatures_refresh: timedelta = timedelta(days=5)
    denial: Denial | None = None
    dnskey_ttl: int = DEFAULT_DNSKEY_TTL
    serial: SerialPolicy = SerialPolicy.KEEP
    jitter: Jitter | None = None
    flagged_keys: KeyRole = KeyRole.KSK
    generate: Algorithm | None = None

    def __post_init__(self) -> None:
        spread = timedelta(0) if self.jitter is None else self.jitter.interval
        if not timedelta(0) <= self.signatures_refresh < self.signatures_validity - spread:
            raise FleetError(
                f"signatures valid for {self.signatures_validity - spread} would be made anew"
                f" {self.signatures_refresh} before they expire, which is always",
                remedy="give a longer validity or a shorter refresh",
            )
        if self.flagged_keys is KeyRole.ZSK:
            raise FleetError("a key with the SEP flag is no ZSK", remedy="say KSK or CSK")


@dataclass(frozen=True, slots=True, kw_only=True)
class MergingRules:
    """How another operator's DNSKEYs are merged into each zone of a fleet.

    Attributes:
        signatures_validity: how long new signatures are valid.
        signatures_refresh: how long before its first signature expires a zone is merged anew.
        serial: the new serial, counted from that of the zone file or from the one merged last, whichever is later.
        flagged_keys: what a key of one's own with the SEP flag is, KSK or CSK.
    """

    signatures_validity: timedelta = timedelta(days=14)
    signatures_refresh: timedelta = timedelta(days=5)
    serial: SerialPolicy = SerialPolicy.INCREMENT
    flagged_keys: KeyRole = KeyRole.KSK


# ---- what a fleet does ----------------------------------------------------------------------------------------------


def sign_fleet(
    directory: StrPath,
    output_directory: StrPath,
    *,
    key_directory: StrPath,
    now: datetime,
    rules: SigningRules = SigningRules(),
    suffix: str = ZONE_SUFFIX,
    executor: Executor | None = None,
    processes: int | None = None,
    batch_zones: int = BATCH_ZONES,
) -> Generator[ZoneOutcome, None, None]:
    """Sign each zone file of a directory into another directory, and yield what became of each zone, in no certain order.

    The keys of a zone are those in the key directory that are in use now by their timing; one that is published and not
    yet or no longer used joins the DNSKEY RRset. ``$INCLUDE`` is refused. Generated keys are on the disk before the zone
    that publishes them is; a zone that was signed before, here or elsewhere, gets none.

    Findings tell of a serial that is not after the one of the file that is replaced, and of a zone that none of the keys
    signs any more that signed it before. At last come the zones that were made here and have no zone file any more, left
    alone with a finding.

    Args:
        directory: where the zone files are.
        output_directory: where the signed zones go; made if it is not there.
        key_directory: where the key files are, and where generated ones go.
        now: the instant at which it is done.
        rules: how.
        suffix: what stands behind the zone in a file's name; other files are passed over, and hidden ones always.
        executor: what does the work; processes of this machine when not given. Its workers need the same paths.
        processes: how many, when there is no executor; one for each processor when not given. One is this process.
        batch_zones: how many zones a batch has.

    Raises:
        FileError: a directory cannot be listed or worked in, or another run is at work there.
        FleetError: zones would be signed over themselves, the processes are ended from outside again and again, or the
            executor is broken. What was done is done, and the next run goes on from there.
        TimeError: ``now`` is naive or not in whole seconds.
    """
    instant = utc(now)
    _check_output(directory, output_directory, suffix)
    _make_directory(output_directory, 0o777)
    if rules.generate is None:
        finish_killed_run(key_directory)
    else:
        _make_directory(key_directory, 0o700)
    written = [output_directory, *([] if rules.generate is None else [key_directory])]
    with _claimed_all(written) as runs:
        work = _Signing(
            source=_absolute(directory),
            output=_absolute(output_directory),
            key_directory=_absolute(key_directory),
            suffix=suffix,
            now=instant,
            rules=rules,
            runs=runs,
        )
        batches = _batches(directory, suffix, _key_files_in(key_directory), batch_zones)
        yield from carried_out(work, batches, executor, processes)
        yield from _without_source(directory, output_directory, suffix)


def merge_fleet(
    directory: StrPath,
    output_directory: StrPath,
    *,
    foreign_directory: StrPath,
    key_directory: StrPath,
    now: datetime,
    rules: MergingRules = MergingRules(),
    suffix: str = ZONE_SUFFIX,
    foreign_suffix: str = DNSKEYS_SUFFIX,
    executor: Executor | None = None,
    processes: int | None = None,
    batch_zones: int = BATCH_ZONES,
) -> Generator[ZoneOutcome, None, None]:
    """Merge another operator's DNSKEYs into each signed zone of a directory; as :func:`sign_fleet` for the rest.

    The merged zone goes to another directory, so that what signs the zones may go on signing into the first. A zone for
    which there are no foreign DNSKEYs is left alone, and nothing is written of it; where it was merged before, a finding
    tells of it. So does one of signatures in the zone that expire before ``signatures_refresh`` is over.

    Args:
        directory: where the signed zones are.
        output_directory: where the merged zones go; made if it is not there.
        foreign_directory: where the other operator's DNSKEY records are, those of a zone in a file of its name, as
            ``dig`` prints them or as in ``.key`` files.
        key_directory: where one's own key files are.
        now: the instant at which it is done.
        rules: how.
        suffix: what stands behind the zone in a zone file's name.
        foreign_suffix: what stands behind the zone in the name of a file of DNSKEYs.
        executor: as in :func:`sign_fleet`.
        processes: as in :func:`sign_fleet`.
        batch_zones: as in :func:`sign_fleet`.

    Raises:
        FileError: a directory cannot be listed or worked in, or another run is at work there.
        FleetError: zones would be merged over themselves, or the executor is broken.
        TimeError: ``now`` is naive or not in whole seconds.
    """
    instant = utc(now)
    _check_output(directory, output_directory, suffix)
    _make_directory(output_directory, 0o777)
    with _opened_directory(_absolute(foreign_directory)):
        pass
    finish_killed_run(key_directory)
    with _claimed_all([output_directory]) as runs:
        work = _Merging(
            source=_absolute(directory),
            output=_absolute(output_directory),
            key_directory=_absolute(key_directory),
            suffix=suffix,
            now=instant,
            rules=rules,
            foreign_directory=_absolute(foreign_directory),
            foreign_suffix=foreign_suffix,
            runs=runs,
        )
        batches = _batches(directory, suffix, _key_files_in(key_directory), batch_zones)
        yield from carried_out(work, batches, executor, processes)
        yield from _without_source(directory, output_directory, suffix)


def verify_fleet(
    directory: StrPath,
    *,
    now: datetime,
    severity: Severity = Severity.INFO,
    ds_directory: StrPath | None = None,
    suffix: str = ZONE_SUFFIX,
    executor: Executor | None = None,
    processes: int | None = None,
    batch_zones: int = BATCH_ZONES,
) -> Generator[ZoneOutcome, None, None]:
    """Verify each signed zone of a directory, and yield what was found of each, in no certain order. Nothing is written.

    Args:
        directory: where the signed zones are.
        now: the instant that signatures are held against.
        severity: findings of less are left out.
        ds_directory: where the DS records at the parent are, those of a zone in ``dsset-example.nl.``; of a zone without
            that file, and without the directory, the way from the parent is not looked at.
        suffix: what stands behind the zone in a file's name.
        executor: as in :func:`sign_fleet`.
        processes: as in :func:`sign_fleet`.
        batch_zones: as in :func:`sign_fleet`.

    Raises:
        FileError: the directory cannot be listed.
        FleetError: the processes are ended from outside again and again, or the executor is broken.
        TimeError: ``now`` is naive or not in whole seconds.
    """
    work = _Verifying(
        source=_absolute(directory),
        suffix=suffix,
        now=utc(now),
        severity=severity,
        ds_directory=None if ds_directory is None else _absolute(ds_directory),
    )
    yield from carried_out(work, _batches(directory, suffix, {}, batch_zones), executor, processes)


def count_zones(directory: StrPath, *, suffix: str = ZONE_SUFFIX) -> int:
    """Return how many zone files are in a directory.

    Raises:
        FileError: it cannot be listed.
    """
    return sum(1 for _ in _zones_in(directory, suffix))


def _check_output(directory: StrPath, output_directory: StrPath, suffix: str) -> None:
    if suffix in _KEY_SUFFIXES:
        raise FleetError(f"files named *{suffix} are keys", remedy="give the suffix of zone files")
    is_same = False
    with contextlib.suppress(OSError):  # then it is not there, and that is told when it is to be read
        is_same = os.path.samefile(plain_path(directory), plain_path(output_directory))
    if is_same:
        raise FleetError(
            f"{shown_path(directory)}: what is made would take the place of what it is made from",
            remedy="give another directory for it",
        )


def _absolute(directory: StrPath) -> str:
    """The path of a directory for workers, which may stand elsewhere."""
    return os.path.abspath(plain_path(directory))


def _make_directory(directory: StrPath, mode: int) -> None:
    with file_errors(directory, "cannot be made"), contextlib.suppress(FileExistsError):
        os.mkdir(plain_path(directory), mode)


@contextlib.contextmanager
def _claimed_all(directories: Iterable[StrPath]) -> Iterator[tuple[tuple[str, str], ...]]:
    """Have these directories to oneself; yield each with the name of the run in it."""
    distinct = {os.path.realpath(plain_path(directory)): directory for directory in directories}
    with contextlib.ExitStack() as claims:
        yield tuple((_absolute(given), claims.enter_context(claimed(given))) for _, given in sorted(distinct.items()))


# ---- the zones and key files of a directory -------------------------------------------------------------------------


def _zones_in(directory: StrPath, suffix: str) -> Iterator[str]:
    """Yield the names of the zones, as the file names have them."""
    with file_errors(directory, "cannot be read"), os.scandir(plain_path(directory)) as entries:
        for entry in entries:
            name = entry.name
            if name.endswith(suffix) and len(name) > len(suffix) and name[0] != "." and not _is_directory(entry):
                yield name[: len(name) - len(suffix)]


def _is_directory(entry: os.DirEntry[str]) -> bool:
    with contextlib.suppress(OSError):  # such as links in a loop, which are told of when their turn comes
        return entry.is_dir()
    return False


def _without_source(directory: StrPath, output_directory: StrPath, suffix: str) -> Iterator[ZoneOutcome]:
    """Yield the zones that were made here and have no zone file any more: they stay, and somebody may serve them."""
    with _opened_directory(_absolute(directory)) as source:
        for zone in _zones_in(output_directory, suffix):
            name = zone + suffix
            if _is_there(name, source, name):
                continue
            path = os.path.join(plain_path(output_directory), name)
            if _recipe_in(path) is not None and _is_named_by_zone(zone):
                finding = _finding(
                    zone,
                    "source-gone",
                    f"{shown_path(path)} was made from a zone file that is gone; it is not made anew any more",
                    remedy="remove it if the zone is not served any more",
                )
                yield ZoneOutcome(zone=zone, result=ZoneResult.LEFT_ALONE, findings=(finding,))


def _is_named_by_zone(zone: str) -> bool:
    with contextlib.suppress(ZonekitError):
        return bool(_origin_of(zone))
    return False


def _recipe_in(path: str) -> Recipe | None:
    with contextlib.suppress(OSError):
        descriptor = os.open(path, _TO_READ | os.O_NOFOLLOW)
        try:
            return Recipe.parse(os.read(descriptor, _LOOKED_AT))
        finally:
            os.close(descriptor)
    return None


@contextlib.contextmanager
def _opened_directory(path: str) -> Iterator[int]:
    """Have a directory open. What is not in it is told from a directory that is not there."""
    with file_errors(path, "cannot be read"):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _is_there(name: str, directory: int, path: str) -> bool:
    """Whether a directory has a file of this name."""
    with file_errors(path, "cannot be read"):
        try:
            os.stat(name, dir_fd=directory, follow_symlinks=False)
        except FileNotFoundError:
            return False
    return True


def _key_files_in(directory: StrPath) -> dict[str, tuple[str, ...]]:
    """The names of key files by the zone that they name, in lower case and escaped as they are."""
    found: dict[str, tuple[str, ...]] = {}
    with file_errors(directory, "cannot be read"):
        for name in os.listdir(plain_path(directory)):
            if match := _KEY_FILE.fullmatch(name):
                zone = match[1].lower()
                found[zone] = (*found.get(zone, ()), name)
    return found


def _name_in_key_files(zone: str) -> str:
    """How the names of key files name a zone."""
    if _PLAIN_ZONE.fullmatch(zone):
        return zone
    try:
        return key_file_stem(parse_origin(zone), 0, 0).removesuffix(".+000+00000")[1:].lower()
    except DomainNameError:
        return ""  # what the file is named is told when its turn comes


def _batches(
    directory: StrPath, suffix: str, key_files: dict[str, tuple[str, ...]], batch_zones: int
) -> Iterator[Batch]:
    if batch_zones < 1:
        raise FleetError(f"a batch of {batch_zones} zones is none", remedy="give at least one")
    zones = ((zone, key_files.get(_name_in_key_files(zone), ())) for zone in _zones_in(directory, suffix))
    for number in itertools.count():
        held = tuple(itertools.islice(zones, batch_zones))
        if not held:
            return
        yield Batch(number=str(number), zones=held)


# ---- what is done with a batch --------------------------------------------------------------------------------------


def _origin_of(zone: str) -> str:
    """The zone that a file name says, which has to be how zonekit prints it: one zone has one file.

    A slash, as in the zones of RFC 2317, no file name can have: it is written in its escaped form.
    """
    if _PLAIN_ZONE.fullmatch(zone):
        return zone
    shown = name_text(parse_origin(zone)).removesuffix(".").lower().replace("/", _ESCAPED_SLASH)
    if zone != shown:
        raise FleetError(
            f"{ascii(zone)[1:-1]}: a zone file is named by its zone in lower case, without a final dot",
            remedy=f"rename it to {shown}",
        )
    return zone


def _octets_of(path: str) -> bytes:
    with file_errors(path, "cannot be read"):
        descriptor = os.open(path, _TO_READ)
        try:
            status = os.fstat(descriptor)
            if stat.S_ISREG(status.st_mode):
                return _octets_in(descriptor, status.st_size)
        finally:
            os.close(descriptor)
    raise FileError("is not a plain file", path=shown_path(path), remedy="put a zone file there")


def _octets_in(descriptor: int, expected: int) -> bytes:
    octets = os.read(descriptor, expected + 1)
    if len(octets) == expected:
        return octets
    pieces = [octets]  # one that grew meanwhile, or is larger than the system reads at once
    while piece := os.read(descriptor, _PIECE_OCTETS):
        pieces.append(piece)
    return b"".join(pieces)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Earlier:
    """The file that is replaced, and what its recipe says, if it has one."""

    status: os.stat_result
    recipe: Recipe | None = None
    is_whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _OwnKeys:
    """The keys of a zone, each for what it is for now."""

    signing: tuple[SigningKey, ...]
    published: tuple[SigningKey, ...] = ()

    @property
    def ds_tags(self) -> tuple[int, ...]:
        """The key tags of those that sign and that a DS may point to."""
        flagged = [key for key in self.signing if key.flags & _SEP_FLAG]
        return tuple(sorted(key.key_tag for key in flagged or self.signing))

    def update(self, digest: hashlib.blake2b) -> None:
        """Add to a digest which keys they are."""
        for keys in (self.signing, self.published):
            digest.update(b"%d keys\n" % len(keys))
            for rdata in sorted(key.dnskey_rdata for key in keys):
                digest.update(rdata)


@dataclass(slots=True, kw_only=True)
class _Draft:
    """A zone that something is made of, as far as that has come; with a result it has come to its end."""

    zone: str
    key_files: tuple[str, ...]
    octets: bytes = b""
    earlier: _Earlier | None = None
    own: _OwnKeys = _OwnKeys(signing=())
    new_keys: dict[str, SigningKey] = field(default_factory=dict)
    digest: str = ""
    findings: tuple[Finding, ...] = ()
    made: Zone | None = None
    text: bytes = b""
    result: ZoneResult | None = None
    problem: str = ""

    @property
    def is_under_way(self) -> bool:
        """Whether there is more to do."""
        return self.result is None

    @property
    def new_key_files(self) -> list[str]:
        """The names of the files of its new keys."""
        return [f"{name}{suffix}" for name in self.new_keys for suffix in _KEY_SUFFIXES]

    def end(self, result: ZoneResult) -> None:
        """End it, and let go of what is not needed any more."""
        self.result = result
        self.octets = self.text = b""
        self.made = None

    def fail(self, problem: str) -> None:
        """End it with what went wrong."""
        self.end(ZoneResult.FAILED)
        self.problem = problem

    def note(
        self,
        code: str,
        message: str,
        *,
        severity: Severity = Severity.WARNING,
        rdtype: str = "",
        remedy: str = "",
        rule: str = "",
    ) -> None:
        """Note what should be known of it."""
        noted = _finding(self.zone, code, message, severity=severity, rdtype=rdtype, remedy=remedy, rule=rule)
        self.findings += (noted,)

    def outcome(self) -> ZoneOutcome:
        """What became of it, now that all is in place that is to be there."""
        is_done = self.result is None
        return ZoneOutcome(
            zone=self.zone,
            result=self.result or ZoneResult.DONE,
            problem=self.problem,
            findings=self.findings,
            new_keys=tuple(self.new_keys) if is_done else (),
        )


def _finding(
    zone: str,
    code: str,
    message: str,
    *,
    severity: Severity = Severity.WARNING,
    rdtype: str = "",
    remedy: str = "",
    rule: str = "",
) -> Finding:
    """A finding about a zone as a whole."""
    return Finding(
        code=code, severity=severity, owner=f"{zone}.", rdtype=rdtype, message=message, remedy=remedy, rule=rule
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    """Where a batch is worked on.

    Attributes:
        zones: where zone files are staged.
        keys: where key files are, if any are made.
        beside: the directory of what else there is of each zone, opened; -1 where there is none.
    """

    zones: Staging
    keys: Staging | None
    beside: int


def _staging(directory: str, batch: Batch, what: str) -> Staging:
    """Where files of a batch are staged."""
    return Staging(directory, f"{batch.number}.{what}", part_of=f"{batch.part_of}.{what}" if batch.part_of else "")


_Zones: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]
_Step: TypeAlias = Callable[[_Draft, _Desk], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Making:
    """Work that makes a file of each zone file, with a recipe as its first line.

    Some zones take each step together, for the processor does a thing sooner when it has just done it: a fifth of all the
    time of a fleet of small zones.
    """

    source: str
    output: str
    key_directory: str
    suffix: str
    now: datetime
    runs: tuple[tuple[str, str], ...]

    def outcomes(self, batch: Batch) -> list[ZoneOutcome]:
        """Make them, and put them in place together."""
        with contextlib.ExitStack() as opened:
            for directory, run in self.runs:
                opened.enter_context(joined(directory, run))
            is_again = opened.enter_context(begun(self.output, batch.number)) or bool(batch.part_of)
            beside = self._directory_beside
            desk = _Desk(
                zones=opened.enter_context(_staging(self.output, batch, "zones")),
                keys=opened.enter_context(_staging(self.key_directory, batch, "keys")) if self._makes_keys else None,
                beside=-1 if beside is None else opened.enter_context(_opened_directory(beside)),
            )
            # After what a dead worker left was put right: the keys that it made are those of the zone.
            zones = self._with_new_key_files(batch.zones) if is_again and self._makes_keys else batch.zones
            drafts = [_Draft(zone=zone, key_files=key_files) for zone, key_files in zones]
            for group in self._groups_read(drafts, desk):
                for step in self._steps:
                    _take(step, group, desk)
            self._put_in_place([draft for draft in drafts if draft.is_under_way], desk)
        return [draft.outcome() for draft in drafts]

    def _with_new_key_files(self, zones: _Zones) -> _Zones:
        """The zones of a batch that somebody began before, each with the key files that it has by now."""
        if all(key_files for _, key_files in zones):
            return zones
        found = _key_files_in(self.key_directory)
        return tuple((zone, found.get(_name_in_key_files(zone), ())) for zone, _ in zones)

    @property
    def _makes_keys(self) -> bool:
        return False

    @property
    def _directory_beside(self) -> str | None:
        """The directory of what else there is of each zone."""
        return None

    @property
    def _steps(self) -> Sequence[_Step]:
        """What makes a staged file of a zone that was read."""
        raise NotImplementedError

    def _groups_read(self, drafts: Iterable[_Draft], desk: _Desk) -> Iterator[list[_Draft]]:
        """Read the zone files, and yield as many as may be held at once."""
        group: list[_Draft] = []
        octets = 0
        for draft in drafts:
            group.append(draft)
            _take(self._read, [draft], desk)
            octets += len(draft.octets)
            if octets >= _GROUP_OCTETS:
                yield group
                group, octets = [], 0
        yield group

    def _read(self, draft: _Draft, desk: _Desk) -> None:
        name = _origin_of(draft.zone) + self.suffix
        draft.octets = _octets_of(os.path.join(self.source, name))
        draft.earlier = self._earlier(name)

    def _earlier(self, name: str) -> _Earlier | None:
        """What is there to be replaced; anything but a plain file, and a private key, is refused."""
        path = os.path.join(self.output, name)
        with file_errors(path, "cannot be written"):
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            except FileNotFoundError:
                return None
            try:
                status = os.fstat(descriptor)
                octets = os.read(descriptor, _LOOKED_AT) if stat.S_ISREG(status.st_mode) else b""
            finally:
                os.close(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise FileError("is not a plain file and is not replaced", path=shown_path(path), remedy="remove it first")
        if looks_like_private_key(octets):
            raise KeyFileExists(
                "holds a private key, and keys are never replaced", path=shown_path(path), remedy="move the key away"
            )
        recipe = Recipe.parse(octets)
        is_whole = recipe is not None and recipe.fits(octets, status.st_size)
        return _Earlier(status=status, recipe=recipe, is_whole=is_whole)

    def _find_keys(self, draft: _Draft, flagged: KeyRole) -> None:
        """Find the keys of a zone among its files, each for what it is for now."""
        found, findings = read_keys_among(draft.key_files, self.key_directory, draft.zone)
        if flagged is KeyRole.CSK:
            found = tuple(
                dataclasses.replace(key, role=KeyRole.CSK) if key.role is KeyRole.KSK else key for key in found
            )
        signing = tuple(key for key in found if key.timing.use_at(self.now) is KeyUse.SIGN)
        if not signing:
            raise SigningError(
                f"{draft.zone}: no key of it in {shown_path(self.key_directory)} is in use at {instant_text(self.now)}",
                remedy="see the keys and their timing with zonekit show, or generate some",
            )
        published = tuple(key for key in found if key.timing.use_at(self.now) is KeyUse.PUBLISH)
        draft.own = _OwnKeys(signing=signing, published=published)
        draft.findings += findings

    def _compare(self, draft: _Draft, parts: Iterable[bytes], rules: SigningRules | MergingRules) -> None:
        """End with a zone that is up to date; else note by which recipe it is made."""
        digest = hashlib.blake2b(digest_size=_DIGEST_OCTETS)
        for octets in (_recipe_of(rules), *parts):
            digest.update(b"%d octets\n" % len(octets))
            digest.update(octets)
        draft.own.update(digest)
        draft.digest = digest.hexdigest()
        earlier = draft.earlier
        if earlier is None or earlier.recipe is None:
            return
        left = earlier.recipe.until - self.now
        # What lasts longer than anything made now was made by a clock that was wrong.
        lasts = rules.signatures_refresh < left <= rules.signatures_validity
        if earlier.is_whole and earlier.recipe.digest == draft.digest and lasts:
            draft.end(ZoneResult.CURRENT)
        elif not set(earlier.recipe.key_tags) & set(draft.own.ds_tags):
            tags = ", ".join(map(str, earlier.recipe.key_tags))
            draft.note(
                "keys-replaced",
                f"it was signed with key {tags} and is not any more: under a DS of that key it does not validate",
                rdtype="DNSKEY",
                remedy="see whether this is the right key directory",
                rule="RFC 6781 section 4.1.2",
            )

    def _next_serial(self, draft: _Draft, policy: SerialPolicy) -> int:
        """Choose the serial; note one by which nobody would know that the zone is another."""
        assert draft.made is not None
        latest = _latest_serial(draft.made, draft.earlier, policy)
        change = change_serial(latest, policy, self.now)
        draft.findings += change.findings(draft.made.apex)
        before = None if draft.earlier is None or draft.earlier.recipe is None else draft.earlier.recipe.serial
        if before is not None and not serial_gt(change.new, before):
            draft.note(
                "serial-not-raised",
                f"serial {change.new} is not after {before}, which it had before: secondaries keep the old zone",
                rdtype="SOA",
                remedy="raise the serial in the zone file, or let it be raised by another serial policy",
                rule="RFC 1034 section 4.3.5",
            )
        return change.new

    def _parse(self, draft: _Draft, desk: _Desk) -> None:
        path = os.path.join(self.source, draft.zone + self.suffix)
        parsed = parse_zone_with_findings(draft.octets, draft.zone, file=shown_path(path))
        draft.made, draft.octets = parsed.zone, b""
        draft.findings += parsed.findings

    def _print(self, draft: _Draft, until: datetime) -> None:
        assert draft.made is not None
        text = "".join(iter_zone_text(draft.made)).encode()
        recipe = Recipe(
            serial=draft.made.serial,
            until=until,
            octets=len(text),
            key_tags=draft.own.ds_tags,
            digest=draft.digest,
        )
        draft.text = recipe.line().encode() + text
        draft.made = None

    def _stage(self, draft: _Draft, desk: _Desk) -> None:
        like = None if draft.earlier is None else draft.earlier.status
        desk.zones.write(draft.zone + self.suffix, draft.text, mode=PUBLIC_MODE, like=like)
        draft.text = b""

    def _put_in_place(self, drafts: Sequence[_Draft], desk: _Desk) -> None:
        """Put what is staged in place, keys first; what cannot be put there fails."""
        zones, keys = desk.zones, desk.keys
        if zones.is_empty:
            return
        try:
            zones.sync()
            if keys is not None and not keys.is_empty:
                keys.sync()
                keys.seal()
                _take(_place_keys, drafts, desk)
                keys.sync_names()
            _take(self._place, drafts, desk)
            zones.sync_names()
        except ZonekitError as error:
            for draft in drafts:
                if draft.is_under_way:
                    draft.fail(str(error))

    def _place(self, draft: _Draft, desk: _Desk) -> None:
        desk.zones.move(draft.zone + self.suffix)


def _place_keys(draft: _Draft, desk: _Desk) -> None:
    assert desk.keys is not None
    desk.keys.move_new(draft.new_key_files)


def _take(step: _Step, drafts: Iterable[_Draft], desk: _Desk) -> None:
    """Take a step with each draft that is under way; what goes wrong with one ends that one."""
    for draft in drafts:
        if draft.is_under_way:
            try:
                step(draft, desk)
            except ZonekitError as error:
                _give_up(draft, desk, str(error))
            except Exception as error:
                _give_up(draft, desk, internal_error(error))


def _give_up(draft: _Draft, desk: _Desk, problem: str) -> None:
    """End with a zone, of which nothing stays staged."""
    draft.fail(problem)
    if desk.keys is not None:
        for name in draft.new_key_files:
            desk.keys.drop(name)


def _latest_serial(zone: Zone, earlier: _Earlier | None, policy: SerialPolicy) -> int:
    """The serial that the new one has to be after."""
    if earlier is None or earlier.recipe is None or policy is SerialPolicy.KEEP:
        return zone.serial
    before = earlier.recipe.serial
    return before if serial_gt(before, zone.serial) else zone.serial


def _first_expiration(zone: Zone, now: datetime) -> datetime:
    """When the first signature of a signed zone expires (RFC 4034 section 3.1.5)."""
    present = epoch_seconds(now)
    half = _MODULUS // 2
    nodes = (node for _, node in zone.nodes())
    left = min((each - present + half) % _MODULUS - half for each in signature_expirations(nodes))
    return now + timedelta(seconds=left)


# What is the same for all zones of a run.
_validity: Final = functools.lru_cache(maxsize=4)(SignatureValidity.starting)
_timing: Final = functools.lru_cache(maxsize=4)(KeyTiming.starting)


@functools.lru_cache(maxsize=4)
def _recipe_of(rules: SigningRules | MergingRules) -> bytes:
    """What of the rules makes a difference to the zone itself."""
    rules = dataclasses.replace(rules, signatures_refresh=timedelta(0))
    if isinstance(rules, SigningRules):
        rules = dataclasses.replace(rules, generate=None)
    return repr(rules).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signing(_Making):
    """Sign zones."""

    rules: SigningRules

    @property
    def _makes_keys(self) -> bool:
        return self.rules.generate is not None

    @property
    def _steps(self) -> Sequence[_Step]:
        return (
            self._take_keys,
            self._parse,
            self._check_unsigned,
            self._sign,
            self._print_signed,
            self._stage_keys,
            self._stage,
        )

    def _take_keys(self, draft: _Draft, desk: _Desk) -> None:
        """Read the keys, or make them; then see whether all is up to date."""
        if draft.key_files or not self._makes_keys:
            self._find_keys(draft, self.rules.flagged_keys)
        else:
            self._generate(draft)
        self._compare(draft, (b"sign", draft.octets), self.rules)

    def _generate(self, draft: _Draft) -> None:
        """Make keys for a zone that was never signed."""
        zone = draft.zone
        if draft.earlier is not None:
            made = "was signed here before" if draft.earlier.recipe else "stands in the output directory already"
            raise SigningError(
                f"{zone}: it {made}, and {shown_path(self.key_directory)} has no key of it: with new keys it would not"
                " validate",
                remedy="give the directory of its keys, or remove the zone from the output directory",
            )
        algorithm, timing = self.rules.generate, _timing(self.now)
        assert algorithm is not None
        if self.rules.flagged_keys is KeyRole.CSK:
            keys: tuple[SigningKey, ...] = (generate_csk(zone, algorithm=algorithm, timing=timing),)
        else:
            ksk = generate_ksk(zone, algorithm=algorithm, timing=timing)
            keys = (ksk, generate_zsk(zone, algorithm=algorithm, timing=timing, avoid=[ksk.key_tag]))
        draft.own = _OwnKeys(signing=keys)
        draft.new_keys = {key.name: key for key in keys}

    def _check_unsigned(self, draft: _Draft, desk: _Desk) -> None:
        """Refuse new keys for a zone that has some already."""
        if draft.new_keys and draft.made is not None and draft.made.find(draft.made.apex, rd.DNSKEY) is not None:
            raise SigningError(
                f"{draft.zone}: it has DNSKEYs already, and {shown_path(self.key_directory)} has no key of it: with new keys"
                " it would not validate",
                remedy="give the directory of its keys, or remove the DNSKEYs from the zone file if no DS points to them",
            )

    def _sign(self, draft: _Draft, desk: _Desk) -> None:
        rules, zone = self.rules, draft.made
        assert zone is not None
        draft.made = sign_zone(
            zone,
            draft.own.signing,
            published=draft.own.published,
            validity=_validity(self.now, rules.signatures_validity),
            denial=rules.denial,
            dnskey_ttl=rules.dnskey_ttl,
            serial=self._next_serial(draft, rules.serial),
            jitter=rules.jitter,
        )

    def _print_signed(self, draft: _Draft, desk: _Desk) -> None:
        rules = self.rules
        spread = timedelta(0) if rules.jitter is None else rules.jitter.interval
        self._print(draft, _validity(self.now, rules.signatures_validity).expiration - spread)

    def _stage_keys(self, draft: _Draft, desk: _Desk) -> None:
        for name, key in draft.new_keys.items():
            assert desk.keys is not None
            desk.keys.write(f"{name}.key", render_key_file(key).encode(), mode=PUBLIC_MODE, exact=True)
            desk.keys.write(f"{name}.private", render_private_file(key).encode(), mode=PRIVATE_MODE, exact=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Merging(_Making):
    """Merge another operator's DNSKEYs into zones."""

    foreign_directory: str
    foreign_suffix: str
    rules: MergingRules

    @property
    def _steps(self) -> Sequence[_Step]:
        return (self._take_keys, self._parse, self._merge, self._stage)

    def _take_keys(self, draft: _Draft, desk: _Desk) -> None:
        """Read both operators' keys, as far as there are any; then see whether all is up to date."""
        if not _is_there(draft.zone + self.foreign_suffix, desk.beside, self._foreign_file(draft)):
            self._leave_alone(draft)
            return
        foreign = read_text(self._foreign_file(draft)).encode()
        self._find_keys(draft, self.rules.flagged_keys)
        self._compare(draft, (b"merge", foreign, draft.octets), self.rules)

    def _leave_alone(self, draft: _Draft) -> None:
        """End with a zone for which there are no foreign DNSKEYs; what was merged while there were some, stays."""
        draft.end(ZoneResult.LEFT_ALONE)
        if draft.earlier is not None:
            path = os.path.join(self.output, draft.zone + self.suffix)
            draft.note(
                "foreign-keys-gone",
                f"{shown_path(path)} was made before, there is no {shown_path(self._foreign_file(draft))} any more, and it"
                " is not made anew",
                remedy="put that file back, or serve the zone without foreign keys and remove the merged one",
            )

    @property
    def _directory_beside(self) -> str | None:
        return self.foreign_directory

    def _foreign_file(self, draft: _Draft) -> str:
        return os.path.join(self.foreign_directory, draft.zone + self.foreign_suffix)

    def _foreign_keys(self, draft: _Draft) -> tuple[Dnskey, ...]:
        path = self._foreign_file(draft)
        try:
            return parse_dnskeys(read_text(path), owner=from_wire_name(parse_origin(draft.zone)))
        except ZonekitError as error:
            raise error.within(shown_path(path)) from None

    def _merge(self, draft: _Draft, desk: _Desk) -> None:
        rules, zone = self.rules, draft.made
        assert zone is not None
        validity = _validity(self.now, rules.signatures_validity)
        serial = self._next_serial(draft, rules.serial)
        draft.made = merge_dnskeys(
            zone, self._foreign_keys(draft), signers=draft.own.signing, validity=validity, serial=serial
        )
        until = _first_expiration(draft.made, self.now)
        if until - self.now <= rules.signatures_refresh:
            draft.note(
                "signatures-expire",
                f"the first signature of the zone {'expired' if until < self.now else 'expires'} at {instant_text(until)}",
                severity=Severity.ERROR if until < self.now else Severity.WARNING,
                rdtype="RRSIG",
                remedy="sign the zone anew, then merge it again",
                rule="RFC 4034 section 3.1.5",
            )
        self._print(draft, until)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verifying:
    """Verify zones."""

    source: str
    suffix: str
    now: datetime
    severity: Severity
    ds_directory: str | None

    def outcomes(self, batch: Batch) -> list[ZoneOutcome]:
        """Verify them one after the other."""
        with contextlib.ExitStack() as opened:
            beside = -1 if self.ds_directory is None else opened.enter_context(_opened_directory(self.ds_directory))
            return [self._outcome(zone, beside) for zone, _ in batch.zones]

    def _outcome(self, zone: str, beside: int) -> ZoneOutcome:
        try:
            findings = self._findings(_origin_of(zone), beside)
        except ZonekitError as error:
            return ZoneOutcome(zone=zone, result=ZoneResult.FAILED, problem=str(error))
        except Exception as error:
            return ZoneOutcome(zone=zone, result=ZoneResult.FAILED, problem=internal_error(error))
        told = tuple(finding for finding in findings if finding.severity >= self.severity)
        return ZoneOutcome(zone=zone, result=ZoneResult.DONE, findings=told)

    def _findings(self, zone: str, beside: int) -> tuple[Finding, ...]:
        path = os.path.join(self.source, zone + self.suffix)
        octets = _octets_of(path)
        parsed = parse_zone_with_findings(octets, zone, file=shown_path(path), misfits=Misfits.KEEP)
        found = verify_zone(parsed.zone, now=self.now, ds=self._ds(zone, parsed.zone, beside))
        return joined_findings(found.findings, parsed.findings)

    def _ds(self, zone: str, parsed: Zone, beside: int) -> RRset | None:
        """The DS RRset at the parent, where there is a file of it."""
        if self.ds_directory is None:
            return None
        name = f"dsset-{zone}."
        path = os.path.join(self.ds_directory, name)
        if not _is_there(name, beside, path):
            return None
        for rrset in parse_rrsets(
            read_text(path), from_wire_name(parsed.apex), file=shown_path(path), default_ttl=3600
        ):
            if rrset.type_text == "DS" and rrset.owner.lower() == parsed.apex.lower():
                return rrset
        raise FileError(f"has no DS record of {zone}", path=shown_path(path), remedy="see what dnssec-signzone wrote")
