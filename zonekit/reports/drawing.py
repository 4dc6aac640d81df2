"""A plan as a drawing: what each source serves over time, what lingers in caches, and what is waited for.

Everything here is worked out to whole units of the drawing, so that a template has nothing left to compute. A drawing is
rectangles, lines and texts, each with words that say what it is and that a style sheet gives a look to.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from zonekit.instants import epoch_seconds, from_epoch_seconds, instant_text
from zonekit.reports.wording import in_order, since_start
from zonekit.transfer.caches import Held, held
from zonekit.transfer.facts import Facts
from zonekit.transfer.plan import Plan
from zonekit.transfer.spans import ALWAYS, NEVER, Span, Spans, difference, instant_of, intersection, span, union
from zonekit.transfer.versions import (
    AddressVersion,
    DataVersion,
    DnskeyVersion,
    DsVersion,
    Key,
    NsVersion,
    Schedule,
    Source,
    Version,
)
from zonekit.transfer.waits import Wait
from zonekit.ttl import duration_text

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_TICK_STEPS: Final = (
    *(_MINUTE, 5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR, 2 * _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY),
    *(2 * _DAY, 5 * _DAY, 10 * _DAY, 20 * _DAY, 50 * _DAY, 100 * _DAY, 200 * _DAY, 500 * _DAY, 1000 * _DAY),
)
_LEAST_SECONDS: Final = _HOUR
_FARTHEST_DEADLINE: Final = 1.6
"""A deadline that would stretch the drawing further than this is told beside it."""

_CHAR: Final = 6.4
_LINE: Final = 15
_BAR: Final = 10
_LANE_GAP: Final = 8
_ROW_GAP: Final = 10
_PILL: Final = 18
_APART: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Rect:
    """A rectangle; ``hint`` is what it stands for, in words."""

    x: int
    y: int
    width: int
    height: int
    look: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A straight line."""

    x1: int
    y1: int
    x2: int
    y2: int
    look: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A text on one line; ``anchor`` is which end of it stands at ``x``."""

    x: int
    y: int
    text: str
    look: str
    anchor: str = "start"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A drawing, and in words what it shows.

    Attributes:
        width: its width, in units of its own.
        height: its height.
        under: lines that lie under all else.
        rects: the bars.
        over: lines that lie over them.
        texts: the labels.
        summary: what a person who cannot see it should know.
    """

    width: int
    height: int
    under: tuple[Line, ...]
    rects: tuple[Rect, ...]
    over: tuple[Line, ...]
    texts: tuple[Words, ...]
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How much room a drawing has.

    Attributes:
        width: the width of the whole.
        gutter: the width left of the bars for the names of the rows; 0 puts each name above its bars.
        tick_width: the least distance between two ticks.
    """

    width: int
    gutter: int
    tick_width: int


WIDE: Final = Format(width=1120, gutter=150, tick_width=96)
NARROW: Final = Format(width=380, gutter=0, tick_width=58)


def draw_plan(
    plan: Plan, form: Format = WIDE, *, trouble: datetime | None = None, now: datetime | None = None
) -> Drawing:
    """Return a plan as a drawing.

    Each version of each record has a bar: where it is served and resolvers are led to it, where it is served and they
    are not, and where it lingers in caches, as the plan's first profile has it.

    Args:
        plan: the plan.
        form: how much room there is.
        trouble: from when on a resolver can see the domain bogus or out of reach, if the plan is not safe.
        now: the instant that is marked as now, if any.
    """
    return _Draughtsman(plan, form, trouble, now).drawn()


def date_text(instant: datetime) -> str:
    """Return the day and the time of an instant in UTC, for people.

    >>> from datetime import UTC
    >>> date_text(datetime(2026, 11, 21, 12, tzinfo=UTC))
    '21 Nov 2026 12:00'
    """
    seconds = f":{instant.second:02}" if instant.second else ""
    return f"{_day_text(instant)} {instant.year} {instant.hour:02}:{instant.minute:02}{seconds}"


def _day_text(instant: datetime) -> str:
    return f"{instant.day} {_MONTHS[instant.month - 1]}"


def deadlines(facts: Facts) -> tuple[tuple[Source, datetime], ...]:
    """Return when the signatures expire of each side that does not renew them."""
    sides = ((Source.LOSING, facts.losing), (Source.GAINING, facts.gaining))
    return tuple(
        [(source, operator.signatures_expire) for source, operator in sides if operator.signatures_expire is not None]
    )


def numbers_text(numbers: Sequence[int]) -> str:
    """Return numbers that rise as people write them.

    >>> numbers_text([3, 5, 6])
    '3, 5, 6'
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]}\N{EN DASH}{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)


# ---- what is drawn --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lane:
    """A version and when it is where.

    Attributes:
        asked: it is served, and resolvers are led to it.
        idle: it is served, and no resolver is led to it.
        lingering: caches hold it and it cannot be fetched any more.
    """

    version: Version
    label: str
    owner: str
    asked: Spans
    idle: Spans
    lingering: Spans


_ROWS: Final[tuple[tuple[Source, str, type[Version], str], ...]] = (
    (Source.PARENT, "Parent zone", NsVersion, "NS"),
    (Source.PARENT, "Parent zone", AddressVersion, "addresses"),
    (Source.PARENT, "Parent zone", DsVersion, "DS"),
    (Source.LOSING, "Losing operator", NsVersion, "NS"),
    (Source.LOSING, "Losing operator", AddressVersion, "addresses"),
    (Source.LOSING, "Losing operator", DnskeyVersion, "DNSKEY"),
    (Source.LOSING, "Losing operator", DataVersion, "all other data"),
    (Source.GAINING, "Gaining operator", NsVersion, "NS"),
    (Source.GAINING, "Gaining operator", AddressVersion, "addresses"),
    (Source.GAINING, "Gaining operator", DnskeyVersion, "DNSKEY"),
    (Source.GAINING, "Gaining operator", DataVersion, "all other data"),
)


def _lanes(plan: Plan) -> Iterator[tuple[str, str, list[_Lane]]]:
    """The rows of the drawing: whose, of what, and the versions in the order in which they begin."""
    schedule = plan.schedule
    caches = held(schedule, plan.profiles[0])
    serving = {Source.PARENT: ALWAYS, Source.LOSING: NEVER, Source.GAINING: NEVER}
    for each in schedule.servings:
        serving[each.operator] = union(serving[each.operator], span(each.start, each.end))
    for source, who, kind, what in _ROWS:
        lanes = [
            lane
            for version in _versions(schedule, source, kind)
            if (lane := _lane(plan.facts, version, caches, serving[source])) is not None
        ]
        if lanes:
            yield who, what, lanes


def _versions(schedule: Schedule, source: Source, kind: type[Version]) -> list[Version]:
    """The versions of one row; the NS RRset of a zone is data too and has a row of its own."""
    other = {version.record for version in schedule.versions if isinstance(version, NsVersion)}
    found = [
        version
        for version in schedule.versions
        if version.source is source
        and isinstance(version, kind)
        and (kind is not DataVersion or version.record not in other)
    ]
    return sorted(found, key=lambda version: (span(version.start, None), span(None, version.end)))


def _lane(facts: Facts, version: Version, caches: Held, serving: Spans) -> _Lane | None:
    served = intersection(span(version.start, version.end), serving)
    fetched, live = caches.fetched[id(version)], caches.live[id(version)]
    if not served and not live:
        return None
    what, owner = _content(facts, version)
    up_to = "up to " if isinstance(version, DataVersion) else ""
    return _Lane(
        version=version,
        label=f"{what} · TTL {up_to}{duration_text(version.ttl)}",
        owner=owner,
        asked=fetched,
        idle=difference(served, fetched),
        lingering=difference(live, fetched),
    )


def _content(facts: Facts, version: Version) -> tuple[str, str]:
    """What is in a version, in words, and whose that is: losing, gaining, both or none."""
    match version:
        case NsVersion():
            owner = _owner(Source.LOSING in version.leads_to, Source.GAINING in version.leads_to)
            return f"to the {owner} servers" if version.leads_to else "names that stay", owner
        case AddressVersion():
            owner = version.leads_to.value
            return f"of the {owner} servers", owner
        case DsVersion():
            owner = _owner_of_keys(facts, (entry.key for entry in version.entries))
            sides = {"both": "of both operators", "none": "no DS: the domain is insecure"}
            return sides.get(owner, f"of the {owner} operator alone"), owner
        case DnskeyVersion():
            owner = _owner_of_keys(facts, version.keys)
            sides = {"both": "losing and gaining keys", "none": "not signed"}
            return sides.get(owner, f"{owner} keys alone"), owner
        case DataVersion():
            owner = version.source.value
            return f"signed by the {owner} keys" if version.signatures else "not signed", owner
        case _:
            return version.record, version.source.value


def _owner_of_keys(facts: Facts, keys: Iterable[Key]) -> str:
    found = set(keys)
    return _owner(
        not found.isdisjoint(each.key for each in facts.losing.keys),
        not found.isdisjoint(each.key for each in facts.gaining.keys),
    )


def _owner(losing: bool, gaining: bool) -> str:
    if losing and gaining:
        return "both"
    return "losing" if losing else "gaining" if gaining else "none"


# ---- where it is drawn ----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Sheet:
    """What has been drawn so far."""

    under: list[Line] = field(default_factory=list)
    rects: list[Rect] = field(default_factory=list)
    over: list[Line] = field(default_factory=list)
    texts: list[Words] = field(default_factory=list)


class _Draughtsman:
    """Draws one plan from the top down; ``self._y`` is how far it has come."""

    def __init__(self, plan: Plan, form: Format, trouble: datetime | None, now: datetime | None) -> None:
        self._plan = plan
        self._trouble = trouble
        self._now = now
        self._form = form
        self._rows = list(_lanes(plan))
        self._left = form.gutter + 2
        self._right = form.width - 2
        self._steps = in_order(plan)
        self._first, self._last = self._range()
        self._sheet = _Sheet()
        self._y = 0

    def drawn(self) -> Drawing:
        """Draw it all."""
        ticks = self._draw_axis()
        self._draw_notes()
        steps = self._draw_pills()
        top = self._y
        self._y += 6
        for index, (who, what, lanes) in enumerate(self._rows):
            begins = not index or self._rows[index - 1][0] != who
            self._draw_row(who, what, lanes, begins)
        self._draw_waits()
        bottom = self._y
        for x in ticks:
            self._sheet.under.append(Line(x1=x, y1=top, x2=x, y2=bottom, look="grid"))
        for x in steps:
            self._sheet.under.append(Line(x1=x, y1=top, x2=x, y2=bottom, look="step"))
        self._vertical(self._plan.switchover, "switch", top, bottom)
        for _, instant in self._near_deadlines():
            self._vertical(instant, "deadline", top, bottom)
        if self._trouble is not None:
            self._vertical(self._trouble, "trouble", top, bottom)
        if self._now is not None:
            self._vertical(self._now, "now", top, bottom)
        sheet = self._sheet
        return Drawing(
            width=self._form.width,
            height=bottom,
            under=tuple(sheet.under),
            rects=tuple(sheet.rects),
            over=tuple(sheet.over),
            texts=tuple(sheet.texts),
            summary=self._summary(),
        )

    # -- time

    def _range(self) -> Span:
        """From when until when, in seconds: all that begins or ends, with some room on both sides."""
        start, finished = epoch_seconds(self._plan.start), epoch_seconds(self._plan.finished)
        ends = [
            second
            for _, _, lanes in self._rows
            for lane in lanes
            for spans in (lane.asked, lane.lingering)
            for pair in spans
            for second in pair
            if not math.isinf(second)
        ]
        first, last = min([start, *ends]), max([finished, *ends, start + _LEAST_SECONDS])
        for _, instant in deadlines(self._plan.facts):
            if last < epoch_seconds(instant) <= first + _FARTHEST_DEADLINE * (last - first):
                last = epoch_seconds(instant)
        room = (last - first) * 0.04
        return first - room, last + room

    def _x(self, seconds: float) -> int:
        inside = min(max(seconds, self._first), self._last)
        return round(self._left + (inside - self._first) / (self._last - self._first) * (self._right - self._left))

    def _x_of(self, instant: datetime) -> int:
        return self._x(epoch_seconds(instant))

    def _near_deadlines(self) -> list[tuple[Source, datetime]]:
        return [each for each in deadlines(self._plan.facts) if epoch_seconds(each[1]) <= self._last]

    def _chars(self) -> int:
        """How many characters of a label fit beside each other."""
        return int((self._right - self._left) / _CHAR)

    # -- the top

    def _draw_axis(self) -> list[int]:
        """The ticks, counted from the start, each with its time since then and its date."""
        per_second = (self._right - self._left) / (self._last - self._first)
        step = next((step for step in _TICK_STEPS if step * per_second >= self._form.tick_width), _TICK_STEPS[-1])
        start = epoch_seconds(self._plan.start)
        places = []
        for count in range(math.ceil((self._first - start) / step), math.floor((self._last - start) / step) + 1):
            instant = from_epoch_seconds(start + count * step)
            x = self._x_of(instant)
            places.append(x)
            texts = since_start(self._plan.start, instant), self._tick_date(instant, step)
            anchor, at = self._anchored(x, max(map(len, texts)))
            if anchor == "end" and count:
                continue  # a label beside its line would mislead
            self._say(texts[0], at, 12, "tick", anchor)
            self._say(texts[1], at, 26, "date", anchor)
        self._y = 36
        return places

    def _tick_date(self, instant: datetime, step: int) -> str:
        time = f"{instant.hour:02}:{instant.minute:02}"
        if self._form.gutter:
            return f"{_day_text(instant)} {time}"
        return _day_text(instant) if step >= _DAY else time

    def _draw_notes(self) -> None:
        """The names of the lines that go through everything, each on a line of its own."""
        if self._now is not None:
            self._note(self._now, "now", "now")
        self._note(self._plan.switchover, "the name servers change", "switch")
        for source, instant in self._near_deadlines():
            self._note(instant, f"{source.value} signatures expire", "deadline")
        if self._trouble is not None:
            self._note(self._trouble, "not safe from here", "trouble")

    def _note(self, instant: datetime, text: str, look: str) -> None:
        x = self._x_of(instant)
        words = f"{text}, {since_start(self._plan.start, instant)}"
        anchor, at = self._anchored(x, len(words))
        self._say(words, at, self._y + 12, f"note {look}", anchor)
        self._y += _LINE + 3

    def _vertical(self, instant: datetime, look: str, top: int, bottom: int) -> None:
        x = self._x_of(instant)
        self._sheet.over.append(Line(x1=x, y1=top, x2=x, y2=bottom, look=look))

    def _draw_pills(self) -> list[int]:
        """The numbers of the steps at their instants; what would overlap goes a line lower."""
        places: dict[int, list[int]] = {}
        for number, planned in enumerate(self._steps, start=1):
            x = self._x_of(planned.started)
            near = next((place for place in places if abs(place - x) < 4), x)
            places.setdefault(near, []).append(number)
        ends: list[int] = []  # of what stands on each line so far
        for x in sorted(places):
            text = numbers_text(sorted(places[x]))
            width = max(_PILL, round(len(text) * _CHAR) + 10)
            first = min(max(x - width // 2, self._left), self._right - width)
            line = next((index for index, end in enumerate(ends) if end + 4 <= first), len(ends))
            ends[line : line + 1] = [first + width]
            y = self._y + 2 + line * (_PILL + 4)
            switches = any(self._steps[number - 1].id == "ns-changed" for number in places[x])
            look = "pill switch" if switches else "pill"
            self._sheet.rects.append(Rect(x=first, y=y, width=width, height=_PILL, look=look, hint=f"steps {text}"))
            self._say(text, first + width // 2, y + 13, f"{look} number", "middle")
        self._y += len(ends) * (_PILL + 4) + 6
        return sorted(places)

    # -- the rows

    def _draw_row(self, who: str, what: str, lanes: Sequence[_Lane], begins: bool) -> None:
        self._rule("group" if begins else "row")
        self._y += _ROW_GAP - 2
        if self._form.gutter:
            self._say(what, 0, self._y + 11, "record")
            self._say(who, 0, self._y + 26, "who")
        else:
            self._say(f"{who} · {what}", self._left, self._y + 11, "record")
            self._y += 20
        for lane in lanes:
            self._draw_lane(lane)
        self._y += _ROW_GAP - _LANE_GAP

    def _draw_lane(self, lane: _Lane) -> None:
        spans = (*lane.asked, *lane.idle, *lane.lingering)
        self._label(lane.label, self._x(min(first for first, _ in spans)), "label")
        for name, look, those in (
            ("served, and nobody is led to it", "idle", lane.idle),
            ("lingers in caches", "lingering", lane.lingering),
            ("served", "served", lane.asked),
        ):
            for first, last in those:
                self._bar(
                    first, last, f"{look} {lane.owner}", f"{lane.version.record}: {name} {_span_text(first, last)}"
                )
        self._y += _BAR + _LANE_GAP

    def _bar(self, first: float, last: float, look: str, hint: str) -> None:
        x, end = self._x(first), self._x(last)
        if x < self._right and end > self._left:
            rect = Rect(x=x, y=self._y, width=max(end - x, 2), height=_BAR, look=look, hint=hint)
            self._sheet.rects.append(rect)

    def _draw_waits(self) -> None:
        """What is waited for: one bracket for each wait that binds, with the steps that it holds up."""
        binding: dict[Wait, list[int]] = {}
        for number, planned in enumerate(self._steps, start=1):
            if planned.because is not None and planned.because.interval:
                binding.setdefault(planned.because, []).append(number)
        if not binding:
            return
        self._rule("group")
        self._y += _ROW_GAP - 2
        if self._form.gutter:
            self._say("waits", 0, self._y + 11, "record")
            self._say("what binds each step", 0, self._y + 26, "who")
        else:
            self._say("Waits · what binds each step", self._left, self._y + 11, "record")
            self._y += 20
        for wait, numbers in binding.items():
            steps = "step" if len(numbers) == 1 else "steps"
            text = f"{wait.record}, {duration_text(wait.interval)}, before {steps} {numbers_text(numbers)}"
            x, end = self._x_of(wait.counted_from), self._x_of(wait.until)
            self._label(text, x, "label")
            middle = self._y + _BAR // 2
            self._sheet.over.append(Line(x1=x, y1=middle, x2=max(end, x + 1), y2=middle, look="wait"))
            for cap in (x, end):
                self._sheet.over.append(Line(x1=cap, y1=self._y, x2=cap, y2=self._y + _BAR, look="wait"))
            self._y += _BAR + _LANE_GAP

    # -- texts

    def _label(self, text: str, x: int, look: str) -> None:
        """A label over what begins at ``x``, moved to the left where it would not fit, on as many lines as it takes."""
        lines = textwrap.wrap(text, self._chars()) or [""]
        at = max(self._left, min(x + _APART, self._right - round(max(map(len, lines)) * _CHAR)))
        for line in lines:
            self._say(line, at, self._y + 11, look)
            self._y += _LINE

    def _anchored(self, x: int, chars: int) -> tuple[str, int]:
        """How a text around ``x`` is to be held so that it stays inside."""
        half = round(chars * _CHAR / 2)
        if x - half < 0:
            return "start", self._left
        if x + half > self._right:
            return "end", self._right
        return "middle", x

    def _say(self, text: str, x: int, y: int, look: str, anchor: str = "start") -> None:
        self._sheet.texts.append(Words(x=x, y=y, text=text, look=look, anchor=anchor))

    def _rule(self, look: str) -> None:
        self._sheet.under.append(Line(x1=0, y1=self._y, x2=self._form.width, y2=self._y, look=look))

    def _summary(self) -> str:
        plan = self._plan
        bars = "; ".join(
            f"{who}, {what}: {', then '.join(lane.label for lane in lanes)}" for who, what, lanes in self._rows
        )
        return (
            f"From {instant_text(plan.start)} to {instant_text(plan.finished)}. The name servers change at"
            f" {instant_text(plan.switchover)}. {bars}."
        )


def _span_text(first: float, last: float) -> str:
    start, end = instant_of(first), instant_of(last)
    since = "from before" if start is None else f"from {instant_text(start)}"
    return f"{since} on" if end is None else f"{since} to {instant_text(end)}"
