"""A schedule that is amended: what was told in any order is served in the order in which it took place."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime, timedelta

from tests.test_transfer_deadline import expiring
from tests.test_transfer_plan import NOW, the_facts
from zonekit.transfer.amendments import Amendments
from zonekit.transfer.steps import STEPS, Flow
from zonekit.transfer.timelines import Event, schedule_of
from zonekit.transfer.versions import (
    DataVersion,
    DnskeyVersion,
    NsVersion,
    Schedule,
    Serving,
    Source,
    Version,
    is_expiring,
)
from zonekit.ttl import Ttl

HOUR = timedelta(hours=1)
STEPS_OF = STEPS[Flow.OPERATOR_CHANGE]
SERVED = schedule_of(the_facts(), STEPS_OF, {})
LASTING = schedule_of(expiring(the_facts(), NOW), STEPS_OF, {})


def hours(start: int, end: int) -> Event:
    return Event(NOW + start * HOUR, NOW + end * HOUR)


def lines(
    schedule: Schedule, kind: type[Version], source: Source
) -> list[tuple[Ttl, bool, datetime | None, datetime | None]]:
    found = [each for each in schedule.versions if type(each) is kind and each.source is source]
    return [(each.ttl, is_expiring(each), each.start, each.end) for each in found]


def test_what_is_not_amended_stays() -> None:
    amended = Amendments(SERVED).schedule
    assert sorted(amended.versions, key=repr) == sorted(SERVED.versions, key=repr)
    assert (amended.servings, amended.overlaps) == (SERVED.servings, SERVED.overlaps)


def test_changes_are_worked_in_as_they_took_place_whatever_was_told_first() -> None:
    double, add = hours(0, 3), hours(1, 2)
    changes = [
        (double, lambda ns: replace(ns, ttl=Ttl(ns.ttl * 2))),
        (add, lambda ns: replace(ns, ttl=Ttl(ns.ttl + 1))),
    ]
    for told in itertools.permutations(changes):
        amendments = Amendments(SERVED)
        for event, change in told:
            amendments.change(NsVersion, Source.LOSING, event, change)
        assert lines(amendments.schedule, NsVersion, Source.LOSING) == [
            (86400, False, None, add.completed),
            (172800, False, double.started, add.completed),
            (86401, False, add.started, double.completed),
            (172801, False, add.started, None),
        ]


def test_an_apex_ns_rrset_changes_as_data_of_its_zone_too() -> None:
    amendments = Amendments(SERVED)
    amendments.change(NsVersion, Source.LOSING, hours(0, 1), lambda ns: replace(ns, record="new", ttl=Ttl(60)))
    data = lines(amendments.schedule, DataVersion, Source.LOSING)
    assert sorted(data, key=repr) == sorted(
        [
            (86400, False, None, None),
            (86400, False, None, NOW + HOUR),
            (60, False, NOW, None),
        ],
        key=repr,
    )


def test_what_has_ended_does_not_change() -> None:
    merged = schedule_of(the_facts(), STEPS_OF, {"losing-merged": hours(0, 1)})
    amendments = Amendments(merged)
    amendments.change(DnskeyVersion, Source.LOSING, hours(2, 3), lambda dnskey: replace(dnskey, ttl=Ttl(60)))
    assert lines(amendments.schedule, DnskeyVersion, Source.LOSING) == [
        (86400, False, None, NOW + HOUR),
        (86400, False, NOW, NOW + 3 * HOUR),
        (60, False, NOW + 2 * HOUR, None),
    ]


def test_signing_anew_gives_what_is_served_from_then_on_signatures_that_last() -> None:
    amendments = Amendments(LASTING)
    amendments.renew_signatures(Source.LOSING, hours(2, 4))
    for event, ttl in ((hours(0, 1), 10), (hours(3, 5), 20), (hours(6, 7), 30)):
        amendments.change(DnskeyVersion, Source.LOSING, event, lambda dnskey, ttl=ttl: replace(dnskey, ttl=Ttl(ttl)))
    assert lines(amendments.schedule, DnskeyVersion, Source.LOSING) == [
        (86400, True, None, NOW + HOUR),
        (10, True, NOW, NOW + 4 * HOUR),
        (10, False, NOW + 2 * HOUR, NOW + 5 * HOUR),
        (20, True, NOW + 3 * HOUR, NOW + 4 * HOUR),
        (20, False, NOW + 3 * HOUR, NOW + 7 * HOUR),
        (30, False, NOW + 6 * HOUR, None),
    ]
    served = amendments.schedule.versions
    assert {each.end for each in served if each.source is Source.LOSING and is_expiring(each)} == {
        NOW + HOUR,
        NOW + 4 * HOUR,
    }


def test_who_stops_and_serves_again_is_out_in_between() -> None:
    amendments = Amendments(SERVED)
    amendments.stop(Source.LOSING, hours(0, 1))
    amendments.serve(Source.LOSING, hours(2, 3))
    assert amendments.schedule.servings == (
        Serving(operator=Source.LOSING, all_end=NOW, end=NOW + HOUR),
        Serving(operator=Source.LOSING, start=NOW + 2 * HOUR, all_start=NOW + 3 * HOUR),
    )
