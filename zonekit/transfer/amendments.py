"""A schedule amended: what is served when something else is done from some instant on than it was made for.

Changes are kept beside the schedule and worked in at once, in the order in which they take place and not in that in which
they were told: so what is served is right also where somebody did a later step first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from zonekit.transfer.timelines import Event, as_data, line_of
from zonekit.transfer.versions import (
    DataVersion,
    DnskeyVersion,
    NsVersion,
    Schedule,
    Serving,
    Signature,
    Source,
    Version,
    is_expiring,
)

_V = TypeVar("_V", bound=Version)


class Amendments:
    """A schedule, and what has been changed in it."""

    def __init__(self, schedule: Schedule) -> None:
        apex_ns = {
            _place(version)
            for version in schedule.versions
            if isinstance(version, NsVersion) and version.source is not Source.PARENT
        }
        # An apex NS RRset is data of its zone too, and changes as both.
        as_data = [
            version for version in schedule.versions if isinstance(version, DataVersion) and _place(version) in apex_ns
        ]
        self._ns_signatures = {version.source: version.signatures for version in as_data}
        self._versions = [version for version in schedule.versions if not any(version is each for each in as_data)]
        self._servings = list(schedule.servings)
        self._overlaps = schedule.overlaps
        self._changes: dict[tuple[type[Version], Source], list[tuple[Event, Callable[[Any], Any]]]] = defaultdict(list)
        self._renewals: dict[Source, Event] = {}

    def change(self, kind: type[_V], source: Source, event: Event, change: Callable[[_V], _V]) -> None:
        """Have what a source serves of a kind become something else."""
        self._changes[kind, source].append((event, change))

    def renew_signatures(self, operator: Source, event: Event) -> None:
        """Have an operator sign its zone anew, and go on doing so: from then on its signatures do not expire."""
        self._renewals[operator] = event

    def serve(self, operator: Source, event: Event) -> None:
        """Have the servers of an operator answer, again."""
        self._servings.append(Serving(operator=operator, start=event.started, all_start=event.completed))

    def stop(self, operator: Source, event: Event) -> None:
        """Have the servers of an operator answer no more."""
        self._servings = [
            replace(serving, all_end=event.started, end=event.completed) if serving.operator is operator else serving
            for serving in self._servings
        ]

    @property
    def schedule(self) -> Schedule:
        """All that is served."""
        versions = [each for version in self._versions for each in self._changed(version)]
        versions += [
            as_data(version, self._ns_signatures[version.source])
            for version in versions
            if isinstance(version, NsVersion) and version.source is not Source.PARENT
        ]
        return Schedule(
            versions=tuple(each for version in versions for each in self._renewed(version)),
            servings=tuple(self._servings),
            overlaps=self._overlaps,
        )

    def _changed(self, version: Version) -> Iterable[Version]:
        """What becomes of a version: one that has ended does not change any more."""
        changes = self._changes.get((type(version), version.source))
        return line_of(version, changes) if changes and version.end is None else (version,)

    def _renewed(self, version: Version) -> Iterator[Version]:
        """A version before and after its zone is signed anew; meanwhile there are both."""
        event = self._renewals.get(version.source)
        if event is None or not isinstance(version, DnskeyVersion | DataVersion) or not is_expiring(version):
            yield version
            return
        if version.start is None or version.start < event.completed:
            end = event.completed if version.end is None else min(version.end, event.completed)
            yield replace(version, end=end)
        if version.end is None or version.end > event.started:
            start = event.started if version.start is None else max(version.start, event.started)
            signatures = tuple(Signature(key=each.key, inception=each.inception) for each in version.signatures)
            yield replace(version, start=start, signatures=signatures)


def _place(version: Version) -> tuple[object, ...]:
    return version.source, version.record, version.ttl, version.start, version.end
