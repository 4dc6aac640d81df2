"""Fleets: many zones signed, merged or verified, from directory to directory, over any ``concurrent.futures.Executor``.

A fleet is a directory of zone files, each named by its zone in lower case: ``example.nl.zone``. What is made of them goes to
another directory under the same names, so that each step of a provider's work is a directory made from another, and can
be repeated at any time. Keys are BIND's files, all in one directory, as ``dnssec-keygen -K`` leaves them.

Work is cut into batches of some hundred zones. Names travel to the executor and outcomes come back, a bounded number at a
time, so that ten million zones take no more memory than ten thousand; only the names of the key files are held, all those
of one directory. The files of a batch come with one sync (:mod:`zonekit.staging`).

**What is done stays done.** The first line of a file made here is its *recipe* (:mod:`zonekit.recipes`): a digest of the
zone file's text, of the keys and of the rules that it was made with, and until when its signatures last. Whatever ended
a run, the next one finds by it what is up to date, and makes the rest. There is no journal that could be lost or say
something else than the files: a zone that was changed is made anew, so is one whose keys or rules have changed, and one
whose signatures expire soon. So the same command, run every day, re-signs what has to be.

New keys are made for zones alone that were never signed: where the zone has DNSKEYs, or something was made of it before,
the keys are somewhere else, and with others the zone would not validate. A batch whose worker died is begun again from
what stands on the disk by then.

What is wrong with one zone is told in the outcome of that zone, and the others go on.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from zonekit.crews import Batch, ZoneOutcome, ZoneResult, carried_out
from zonekit.errors import FleetError
from zonekit.files import StrPath, file_errors, plain_path, shown_path
from zonekit.findings import Severity
from zonekit.fleetfiles import (
    KEY_SUFFIXES,
    is_named_by_zone,
    is_there,
    key_files_in,
    name_in_key_files,
    opened_directory,
    recipe_in,
    zones_in,
)
from zonekit.instants import utc
from zonekit.staging import claimed, finish_killed_run
from zonekit.zonework import Merging, MergingRules, Signing, SigningRules, Verifying, zone_finding

ZONE_SUFFIX: Final = ".zone"
DNSKEYS_SUFFIX: Final = ".dnskeys"
BATCH_ZONES: Final = 100


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
    directory, output_directory, key_directory = map(_absolute, (directory, output_directory, key_directory))
    _check_output(directory, output_directory, suffix)
    _make_directory(output_directory, 0o777)
    if rules.generate is None:
        finish_killed_run(key_directory)
    else:
        _make_directory(key_directory, 0o700)
    written = [output_directory, *([] if rules.generate is None else [key_directory])]
    with _claimed_all(written) as runs:
        work = Signing(
            source=directory,
            output=output_directory,
            key_directory=key_directory,
            suffix=suffix,
            now=instant,
            rules=rules,
            runs=runs,
        )
        batches = _batches(directory, suffix, key_files_in(key_directory), batch_zones)
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
    directory, output_directory, key_directory = map(_absolute, (directory, output_directory, key_directory))
    foreign_directory = _absolute(foreign_directory)
    _check_output(directory, output_directory, suffix)
    _make_directory(output_directory, 0o777)
    with opened_directory(foreign_directory):
        pass
    finish_killed_run(key_directory)
    with _claimed_all([output_directory]) as runs:
        work = Merging(
            source=directory,
            output=output_directory,
            key_directory=key_directory,
            suffix=suffix,
            now=instant,
            rules=rules,
            foreign_directory=foreign_directory,
            foreign_suffix=foreign_suffix,
            runs=runs,
        )
        batches = _batches(directory, suffix, key_files_in(key_directory), batch_zones)
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
    directory = _absolute(directory)
    work = Verifying(
        source=directory,
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
    return sum(1 for _ in zones_in(directory, suffix))


def _check_output(directory: StrPath, output_directory: StrPath, suffix: str) -> None:
    if suffix in KEY_SUFFIXES:
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
    """The path of a directory for workers, which may stand elsewhere, and for this process if it goes there meanwhile."""
    return os.path.abspath(plain_path(directory))


def _make_directory(directory: StrPath, mode: int) -> None:
    with file_errors(directory, "cannot be made"), contextlib.suppress(FileExistsError):
        os.mkdir(plain_path(directory), mode)


@contextlib.contextmanager
def _claimed_all(directories: Iterable[str]) -> Iterator[tuple[tuple[str, str], ...]]:
    """Have these directories to oneself; yield each with the name of the run in it."""
    distinct = {os.path.realpath(directory): directory for directory in directories}
    with contextlib.ExitStack() as claims:
        yield tuple((given, claims.enter_context(claimed(given))) for _, given in sorted(distinct.items()))


# ---- the zones of a directory ----------------------------------------------------------------------------------------


def _batches(
    directory: StrPath, suffix: str, key_files: dict[str, tuple[str, ...]], batch_zones: int
) -> Iterator[Batch]:
    if batch_zones < 1:
        raise FleetError(f"a batch of {batch_zones} zones is none", remedy="give at least one")
    zones = ((zone, key_files.get(name_in_key_files(zone), ())) for zone in zones_in(directory, suffix))
    for number in itertools.count():
        held = tuple(itertools.islice(zones, batch_zones))
        if not held:
            return
        yield Batch(number=str(number), zones=held)


def _without_source(directory: str, output_directory: str, suffix: str) -> Iterator[ZoneOutcome]:
    """Yield the zones that were made here and have no zone file any more: they stay, and somebody may serve them."""
    with opened_directory(directory) as source:
        for zone in zones_in(output_directory, suffix):
            name = zone + suffix
            if is_there(name, source, name):
                continue
            path = os.path.join(output_directory, name)
            if recipe_in(path) is not None and is_named_by_zone(zone):
                finding = zone_finding(
                    zone,
                    "source-gone",
                    f"{shown_path(path)} was made from a zone file that is gone; it is not made anew any more",
                    remedy="remove it if the zone is not served any more",
                )
                yield ZoneOutcome(zone=zone, result=ZoneResult.LEFT_ALONE, findings=(finding,))
