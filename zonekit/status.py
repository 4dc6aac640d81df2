"""How a transfer stands, asked of its servers: files, state, clock and network around what :mod:`zonekit.transfer` works out.

>>> from zonekit.status import look_at, open_transfer
>>> score = look_at(open_transfer("transfer.toml"))  # doctest: +SKIP
>>> [(step.id, step.actor.value) for step in score.next_steps]  # doctest: +SKIP
[('losing-merged', 'losing operator')]
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from zonekit.dnskeys import Dnskey, parse_dnskeys
from zonekit.errors import PlanError, ZonekitError
from zonekit.files import read_text, read_zone
from zonekit.names import order_key, parse_origin
from zonekit.probe import DEFAULT_AT_MOST, DEFAULT_TIMEOUT, find_addresses, probe, probe_many, read_tick
from zonekit.state import State
from zonekit.transfer.answers import Question, Round
from zonekit.transfer.course import Course, Said, Tick
from zonekit.transfer.following import Followed, follow
from zonekit.transfer.glimpses import Elsewhere, Party, glimpses_of, parent_negative_ttl, parties_of
from zonekit.transfer.plan import Plan, plan_transfer
from zonekit.transfer.planfile import read_plan
from zonekit.transfer.score import Score, score
from zonekit.transfer.server_health import PARTIES, why_silent
from zonekit.transfer.transferfile import TransferFile, read_transfer
from zonekit.transfer.versions import Source
from zonekit.zones import Zone

if TYPE_CHECKING:
    from zonekit.files import StrPath

STATE_SUFFIX: Final = ".state"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A transfer as its file says, with where its course is kept.

    Attributes:
        file: what the file says.
        directory: what the paths in it count from.
        state: where its course is kept.
        shown: what messages call the file.
    """

    file: TransferFile
    directory: str
    state: State
    shown: str = "transfer.toml"

    @property
    def course(self) -> Course | None:
        """What is known of it so far; None before it was first looked at.

        Raises:
            StateError: the state cannot be read.
        """
        return self.state.course(self.file.domain) if os.path.exists(self.state.path) else None

    def path(self, name: str) -> str:
        """Return where a file is that the transfer's file names."""
        return os.path.join(self.directory, name)


def open_transfer(path: StrPath) -> Transfer:
    """Return the transfer that a file describes (:mod:`zonekit.transfer.transferfile`).

    Where the file names no state, that is kept beside it, under the same name ending in ``.state``.

    Raises:
        FileError: the file cannot be read.
        PlanError: it does not say what it has to; the message begins with the file and the path of the field.
    """
    try:
        found = read_transfer(read_text(path))
    except PlanError as error:
        raise error.within(os.fspath(path)) from None
    directory = os.path.dirname(os.path.abspath(path))
    state = found.files.state or f"{os.path.splitext(os.path.basename(path))[0]}{STATE_SUFFIX}"
    return Transfer(file=found, directory=directory, state=State(os.path.join(directory, state)), shown=os.fspath(path))


def look_at(transfer: Transfer, *, timeout: timedelta = DEFAULT_TIMEOUT, said: Iterable[Said] = ()) -> Score:
    """Ask every server of a transfer, keep what that shows, and return the score.

    The first look makes the plan, from the transfer's file and what the servers show, and begins the state.

    Args:
        transfer: the transfer.
        timeout: how long a server has to answer.
        said: what people say is done.

    Raises:
        PlanError: the first look does not show what a plan needs and the file does not say, or something is said of a step
            that there is none of.
        ProbeError: the name of a server has no address.
        StateError: the state cannot be read or written.
        FileError: a file that the transfer's file names cannot be read.
    """
    course = transfer.course
    found = probe(_question(transfer, course), timeout=timeout)
    return _kept(transfer, found, read_tick(), tuple(said), is_begun=course is not None)


def look_at_all(
    transfers: Iterable[Transfer], *, timeout: timedelta = DEFAULT_TIMEOUT, at_most: int = DEFAULT_AT_MOST
) -> Iterator[tuple[Transfer, Score | ZonekitError]]:
    """Look at many transfers at once, and yield each with its score, or with what keeps it from having one, as it is there.

    The transfers are taken as sockets come free. What was answered waits for whoever takes the scores, and no more than
    ``at_most`` transfers are under way then, so that slow takers cost no memory.

    Args:
        transfers: the transfers, of different domains.
        timeout: how long a server has to answer.
        at_most: how many sockets are open at once.

    Raises:
        PlanError: two are of one domain.
    """
    taken: dict[str, tuple[Transfer, bool]] = {}
    failed: list[tuple[Transfer, ZonekitError]] = []

    def questions() -> Iterator[Question]:
        for transfer in transfers:
            try:
                course = transfer.course
                question = _question(transfer, course)
            except ZonekitError as error:
                failed.append((transfer, error))
                continue
            if question.domain in taken:
                raise PlanError(f"{question.domain} is looked at twice", remedy="give each transfer once")
            taken[question.domain] = transfer, course is not None
            yield question

    for found in probe_many(questions(), timeout=timeout, at_most=at_most):
        transfer, is_begun = taken[found.question.domain]
        try:
            is_begun = is_begun or transfer.course is not None  # another process may have begun it meanwhile
            yield transfer, _kept(transfer, found, read_tick(), (), is_begun=is_begun)
        except ZonekitError as error:
            yield transfer, error
    yield from failed


def _question(transfer: Transfer, course: Course | None) -> Question:
    names = transfer.file.names_to_find
    known = () if course is None else (course.plan.facts.losing.name_servers | course.plan.facts.gaining.name_servers)
    addresses: Mapping[str, Iterable[str]] = find_addresses(names) if names else {}
    return transfer.file.question(addresses, known)


def _kept(transfer: Transfer, found: Round, tick: Tick, said: tuple[Said, ...], *, is_begun: bool) -> Score:
    """The score after a round, which is kept."""
    parties = parties_of(found)
    elsewhere = _elsewhere(transfer, parties)
    domain = transfer.file.domain
    if not is_begun:
        begun = Course.begun(_first_plan(transfer, found, parties, elsewhere, said))
        for each in said:
            begun.say(each)  # which refuses what no transfer is to be begun with
        transfer.state.begin(begun, at=found.ended)
    followed: list[Followed] = []

    def fold(held: Course) -> Course:
        for each in said:
            held = held.say(each)
        followed[:] = [follow(held, found, tick=tick, elsewhere=elsewhere, parties=parties)]
        return followed[0].course

    transfer.state.update(domain, fold, at=found.ended)
    return score(followed[0])


def _first_plan(
    transfer: Transfer,
    found: Round,
    parties: Mapping[Source, Party],
    elsewhere: Elsewhere,
    said: tuple[Said, ...],
) -> Plan:
    """The plan that a transfer follows: the one that its file names, or one from what the file says and what is seen."""
    file = transfer.file
    if file.files.plan is not None:
        path = transfer.path(file.files.plan)
        try:
            plan = read_plan(read_text(path))
        except PlanError as error:
            raise error.within(path) from None
        if order_key(parse_origin(plan.facts.domain)) != order_key(found.question.apex):
            raise PlanError(
                f"{path}: the plan is of {plan.facts.domain}, and {transfer.shown} of {file.domain}",
                remedy="name the plan of this domain",
            )
        return plan
    glimpses = glimpses_of(found, parties, elsewhere=elsewhere, may_stop=False)
    files = {Source.LOSING: file.files.losing_zone, Source.GAINING: file.files.gaining_zone}
    try:
        facts = file.facts(
            glimpses[0].sighting if glimpses else None,
            negative_ttl=parent_negative_ttl(found),
            whole={
                source: elsewhere.zone(source) or _read_zone(transfer, name)
                for source, name in files.items()
                if name is not None
            },
        )
    except PlanError as error:
        unseen = "; ".join(_unseen(found, parties, elsewhere))
        if unseen:
            raise PlanError(
                f"{transfer.shown}: {unseen}; without that the file has to say everything, and {error.problem}",
                remedy="look again when servers of all three answer; a zone that is not served yet goes under files, as"
                " gaining_zone, or name a plan there",
            ) from None
        raise error.within(transfer.shown) from None
    return plan_transfer(facts, flow=file.flow, start=_start(file.start, found.ended, said))


def _unseen(found: Round, parties: Mapping[Source, Party], elsewhere: Elsewhere) -> Iterator[str]:
    """Of whom a first look shows nothing, and why."""
    for source in Source:
        if not parties[source].given and (source is Source.PARENT or elsewhere.zone(source) is None):
            why = why_silent(found, source) or "; ".join(dict.fromkeys(parties[source].unreadable.values()))
            servers = ", ".join(str(each.server) for each in found.of(source))
            yield f"nothing is seen of {PARTIES[source]}, for none of {servers} gives all that it is asked for: {why}"


def _start(given: datetime | None, now: datetime, said: tuple[Said, ...]) -> datetime:
    """When the plan starts: as the file says, or now, or with the first step that is said to have been taken by then."""
    return min([now, *[each.started for each in said]]) if given is None else given


def _elsewhere(transfer: Transfer, parties: Mapping[Source, Party]) -> Elsewhere:
    """What the transfer's files say of both operators; a zone is read only where no server gives it."""
    files = transfer.file.files

    def zone(source: Source, name: str | None) -> Zone | None:
        if name is None or parties[source].given:
            return None
        return _read_zone(transfer, name)

    return Elsewhere(
        losing=zone(Source.LOSING, files.losing_zone),
        gaining=zone(Source.GAINING, files.gaining_zone),
        keys={
            Source.LOSING: tuple(_keys(transfer, files.losing_keys)),
            Source.GAINING: tuple(_keys(transfer, files.gaining_keys)),
        },
    )


def _read_zone(transfer: Transfer, name: str) -> Zone:
    return read_zone(transfer.path(name), origin=transfer.file.domain)


def _keys(transfer: Transfer, names: Iterable[str]) -> Iterator[Dnskey]:
    for name in names:
        path = transfer.path(name)
        try:
            yield from parse_dnskeys(read_text(path), owner=transfer.file.domain)
        except ZonekitError as error:
            raise error.within(path) from None
