"""``zonekit status``."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import click

from zonekit.cli.arguments import (
    DURATION,
    STANDARD_STREAM,
    clock,
    json_option,
    parsed_by,
    quiet_option,
    severity_option,
    usage_error,
)
from zonekit.cli.exits import OK, REFUSED, BadInput, as_click
from zonekit.cli.outputs import Voice, json_text, refuse_key_file, same_file
from zonekit.cli.progress import Progress
from zonekit.cli.recording import parse_event
from zonekit.cli.status_json import status_object, transfer_object
from zonekit.cli.status_view import Block, latest, lines_view, live_view, print_view, rich_view, whole_view
from zonekit.cli.terminal import terminal
from zonekit.errors import ZonekitError
from zonekit.files import write_text
from zonekit.findings import Severity
from zonekit.instants import instant_text
from zonekit.probe import DEFAULT_TIMEOUT
from zonekit.status import Transfer, look_at, look_at_all, open_transfer
from zonekit.transfer.course import Said
from zonekit.transfer.history import Happening
from zonekit.transfer.score import Score
from zonekit.transfer.timelines import Event
from zonekit.ttl import duration_text

if TYPE_CHECKING:
    import rich.console

_DEFAULT_INTERVAL: Final = timedelta(seconds=30)
_LEAST_INTERVAL: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Look:
    """A transfer with its score, or with what keeps it from having one, and what happened so far."""

    transfer: Transfer
    found: Score | ZonekitError
    history: Sequence[Happening] = ()


@dataclass(frozen=True, slots=True)
class Word:
    """A step that somebody says is done; when, where that is said too."""

    step_id: str
    event: Event | None


def _parse_word(text: str) -> Word:
    if "=" not in text:
        return Word(text, None)
    said = parse_event(text)
    return Word(said.step_id, said.event)


@click.command(short_help="Follow a transfer: ask the servers, and say what is done and what it waits for.")
@click.argument("transfer_files", metavar="TRANSFER...", nargs=-1, required=True)
@click.option(
    "--said",
    "words",
    multiple=True,
    type=parsed_by(_parse_word),
    metavar="STEP[=STARTED[/COMPLETED]]",
    help="A step that is done: one that only people can confirm, such as frozen, or one that shows, to give the instants at"
    " which it really was. Without an instant, now. It is kept; said again, it takes the place of what was said before. May be"
    " given again.",
)
@click.option("--by", "who", metavar="NAME", help="With --said: who says so.")
@click.option(
    "--watch", is_flag=True, help="Go on asking until the transfer is done, or Ctrl-C; on a terminal in a live view."
)
@click.option(
    "--every",
    type=DURATION,
    metavar="DURATION",
    show_default=duration_text(_DEFAULT_INTERVAL),
    help="With --watch: how long to wait between two looks.",
)
@click.option("--history", "with_history", is_flag=True, help="Tell everything that happened, too.")
@click.option("--html", "html_file", metavar="FILE", help="Write the plan as a page here, with how far it has come.")
@click.option("--plan", "plan_file", metavar="FILE", help="Write the plan as it now is here, for zonekit check.")
@click.option(
    "--timeout",
    type=DURATION,
    default=duration_text(DEFAULT_TIMEOUT),
    show_default=True,
    metavar="DURATION",
    help="How long a server has to answer.",
)
@severity_option(
    Severity.WARNING, "From which severity on findings are shown; the others are counted. JSON has all of them."
)
@json_option
@quiet_option
def status(
    *,
    transfer_files: Sequence[str],
    words: Sequence[Word],
    who: str | None,
    watch: bool,
    every: timedelta | None,
    with_history: bool,
    html_file: str | None,
    plan_file: str | None,
    timeout: timedelta,
    severity: Severity,
    as_json: bool,
    quiet: bool,
) -> int:
    """Ask the servers of the losing, the gaining and the parent side, each directly, and say how a transfer stands.

    TRANSFER is a TOML file that says which servers to ask, and what is known that they do not show;
    fixtures/transfers/transfer.toml has every field explained. The first look makes the plan and begins the state, a file
    beside it that ends in .state unless it says otherwise. Every look adds what it shows: which steps are seen done, and since
    when, and every TTL that was served. Nothing is asked of a resolver, and nothing is remembered but there.

    A step is done when every server that answers gives it. Below each one that is not stands what it waits for and until when,
    or what is missing and at whose hands. What only people can confirm waits for --said.

    Of several transfers each gets a line.

    The exit code is 0 where nothing needs attention, and 1 where something does: a finding of severity error, or a proof that
    does not hold for what was done and when. A dead server beside others that answer is a warning, unless it undoes a step: all
    gaining servers have to answer before the name servers change. With several transfers the
    code is the highest that one of them would have alone; with --watch, that of the last look.

    \b
    Examples:
      zonekit status transfer.toml
      zonekit status transfer.toml --said frozen --by 'the night shift'
      zonekit status transfer.toml --said ds-added=2026-11-21T12:00:00Z/2026-11-21T12:05:00Z --by registrar
      zonekit status transfer.toml --watch --every 1m --html status.html
      zonekit status transfers/*.toml --json

    With --json: {"format": "zonekit-status", "version": 1, "transfers": [TRANSFER]}, where TRANSFER is {"domain", "at",
    "headline", "needs_attention", "is_finished", "flow", "start", "switchover", "finished", "proof", "steps": [{"id", "actor",
    "action", "stage", "since", "until", "by", "lacking": [SERVER], "missing": [{"step", "actor", "needed", "found"}],
    "waits": [WAIT], "needs_saying"}], "next": [STEP], "servers": [{"name", "address", "port", "source", "outcome", "is_well",
    "is_due", "last_answered", "silent_since"}], "ttls": [{"source", "record", "ttl", "first_seen", "last_seen", "until"}],
    "clock_set", "undone": [STEP], "findings", "history": [{"at", "what", "step", "text"}]}, or {"domain", "error"} where one of
    several cannot be told. WAIT and "findings" are those of zonekit plan and zonekit verify, "proof" is what zonekit check
    prints. A stage is one of "done", "under way", "may begin", "waits", "missing", "later"
    and "over". "history" is there with --history. Intervals, TTLs and "clock_set", by how much the clock was set since the look before, are seconds; null is
    what is not known. With --watch, each look is one line.
    """
    if every is not None and not watch:
        raise usage_error("--every goes with --watch")
    if every is not None and every < _LEAST_INTERVAL:
        raise usage_error(f"--every {duration_text(every)} gives servers no rest: give a second or more")
    if len(transfer_files) > 1 and (words or html_file or plan_file or with_history):
        raise usage_error("--said, --html, --plan and --history are for one TRANSFER")
    said = _said(words, who, now=clock(None))
    transfers = [open_transfer(path) for path in transfer_files]
    files = _Files(page=html_file, plan=plan_file)
    files.check(transfer_files[0], transfers[0])
    voice = Voice(quiet=quiet or watch)
    show = _Show(
        severity=severity, with_history=with_history, as_json=as_json, is_watched=watch, files=files, voice=voice
    )
    with Progress(quiet=quiet) as progress, progress.working("asking the servers"):
        looks = _look(transfers, timeout, said)
    if watch:
        return _watch(
            show,
            looks,
            again=lambda: _look_again(transfers, timeout),
            every=_DEFAULT_INTERVAL if every is None else every,
        )
    show.all(looks)
    return _exit_code(looks)


def _said(words: Sequence[Word], who: str | None, *, now: datetime) -> tuple[Said, ...]:
    """What people say is done.

    Raises:
        UsageError: nobody is named, somebody is who says nothing, or a step is named twice.
        BadInput: a step is said to be done at an instant that has not come.
        PlanError: the name is empty, or not of one line.
    """
    if (who is None) is not (not words):
        raise usage_error("--said and --by go together: somebody says that a step is done")
    said = []
    for word in words:
        if sum(other.step_id == word.step_id for other in words) > 1:
            raise usage_error(f"--said names {ascii(word.step_id[:64])} twice: a step happens once")
        event = word.event or Event(now, now)
        if event.completed > now:
            raise BadInput(
                f"--said {ascii(word.step_id[:64])} is done only at {instant_text(event.completed)}, and now is"
                f" {instant_text(now)}; say so then"
            )
        assert who is not None
        said.append(Said(step_id=word.step_id, by=who, when=now, started=event.started, completed=event.completed))
    return tuple(said)


# ---- looking --------------------------------------------------------------------------------------------------------


def _look(transfers: Sequence[Transfer], timeout: timedelta, said: tuple[Said, ...]) -> list[Look]:
    """Look at each transfer, in the order given; what one of several lacks is told in its place.

    Raises:
        ZonekitError: there is one transfer, and it cannot be looked at.
    """
    if len(transfers) == 1:
        (transfer,) = transfers
        score = look_at(transfer, timeout=timeout, said=said)
        return [Look(transfer, score, transfer.state.history(transfer.file.domain))]
    found = {transfer.file.domain: score for transfer, score in look_at_all(transfers, timeout=timeout)}
    return [Look(transfer, found[transfer.file.domain]) for transfer in transfers]


def _look_again(transfers: Sequence[Transfer], timeout: timedelta) -> list[Look]:
    """Look once more; what goes wrong now may go well the next time."""
    try:
        return _look(transfers, timeout, ())
    except ZonekitError as error:
        return [Look(transfer, error) for transfer in transfers]


def _exit_code(looks: Sequence[Look]) -> int:
    return max(_exit_code_of(look.found) for look in looks)


def _exit_code_of(found: Score | ZonekitError) -> int:
    if isinstance(found, ZonekitError):
        return as_click(found).exit_code
    return REFUSED if found.needs_attention else OK


def _pause(interval: timedelta) -> None:
    time.sleep(interval.total_seconds())


def _watch(show: _Show, looks: list[Look], *, again: Callable[[], list[Look]], every: timedelta) -> int:
    """Show one look after the other until all transfers are done or somebody has seen enough; return the last one's exit code."""

    def rounds() -> Iterator[list[Look]]:
        nonlocal looks
        yield looks
        while not all(isinstance(look.found, Score) and look.found.is_finished for look in looks):
            _pause(every)
            looks = again()
            yield looks

    console = terminal()
    try:
        if show.as_json or console is None:
            for each in rounds():
                show.all(each)
        else:
            _watch_live(show, rounds(), console=console, every=every)
    except KeyboardInterrupt:
        click.echo(err=True)  # whatever the terminal shows of the key stands on a line of its own
    return _exit_code(looks)


def _watch_live(show: _Show, rounds: Iterator[list[Look]], *, console: rich.console.Console, every: timedelta) -> None:
    """Show each look in the place of the one before; the last one stays."""
    import rich.live

    last: list[Look] = []
    try:
        with rich.live.Live(console=console, auto_refresh=False, transient=True) as live:
            for looks in rounds:
                problem = "; ".join(str(look.found) for look in looks if isinstance(look.found, ZonekitError))
                # What was known before is worth more than that nothing is known now.
                last = [
                    new if isinstance(new.found, Score) else old for new, old in zip(looks, last or looks, strict=True)
                ]
                live.update(rich_view(show.live(last, every=every, problem=problem)), refresh=True)
                show.write(looks)
    finally:
        if last:
            print_view(show.blocks(last))


# ---- showing --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Files:
    """The files to write, as far as they are asked for."""

    page: str | None
    plan: str | None

    def check(self, source: str, transfer: Transfer) -> None:
        """Refuse files that cannot be written, or that would take the place of another."""
        paths = [path for path in (self.page, self.plan) if path is not None]
        read = transfer.file.files
        named = [read.plan, read.losing_zone, read.gaining_zone, *read.losing_keys, *read.gaining_keys]
        others = [source, str(transfer.state.path), *[transfer.path(name) for name in named if name is not None]]
        for path in paths:
            refuse_key_file(path)
            if path == STANDARD_STREAM:
                raise usage_error("--html and --plan take a file, not standard output")
            for other in others:
                if same_file(path, other):
                    raise BadInput(f"{path}: this is {other}, which belongs to the transfer; name another file")
        if any(same_file(one, other) for one, other in itertools.combinations(paths, 2)):
            raise usage_error("--html and --plan cannot write to one file")

    def write(self, score: Score, history: Sequence[Happening], voice: Voice) -> None:
        """Write them and say so."""
        if self.page is not None:
            from zonekit.reports.pages import render_status_page

            write_text(self.page, render_status_page(score, history=history))
            voice.say(f"wrote {self.page}")
        if self.plan is not None:
            from zonekit.transfer.outlook import look_ahead
            from zonekit.transfer.planfile import plan_json

            write_text(self.plan, plan_json(score.plan, outlook=look_ahead(score.plan)))
            voice.say(f"wrote {self.plan}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Show:
    """How looks are shown."""

    severity: Severity
    with_history: bool
    as_json: bool
    is_watched: bool
    files: _Files
    voice: Voice

    def all(self, looks: Sequence[Look]) -> None:
        """Print looks to standard output, and write the files that are asked for."""
        if self.as_json:
            told = status_object(
                transfer_object(look.transfer, look.found, look.history if self.with_history else None)
                for look in looks
            )
            click.echo(f"{json.dumps(told)}\n" if self.is_watched else json_text(told), nl=False)
        else:
            print_view(self.blocks(looks))
        self.write(looks)

    def blocks(self, looks: Sequence[Look]) -> Iterator[Block]:
        """Yield all there is to say of one transfer, or a line for each of several."""
        first = looks[0]
        if len(looks) == 1 and isinstance(first.found, Score):
            history = first.history if self.with_history else latest(first.history) if self.is_watched else None
            yield from whole_view(first.found, severity=self.severity, history=history)
        else:
            yield from lines_view((look.transfer, look.found) for look in looks)

    def live(self, looks: Sequence[Look], *, every: timedelta, problem: str) -> Iterator[Block]:
        """Yield what fits on a screen."""
        first = looks[0]
        if len(looks) == 1 and isinstance(first.found, Score):
            yield from live_view(
                first.found,
                severity=self.severity,
                history=first.history,
                next_look=first.found.at + every,
                problem=problem,
            )
        else:
            yield from lines_view((look.transfer, look.found) for look in looks)
            yield f"\nthe next look is in {duration_text(every)}; Ctrl-C ends it"

    def write(self, looks: Sequence[Look]) -> None:
        """Write the files that are asked for."""
        for look in looks:
            if isinstance(look.found, Score):
                self.files.write(look.found, look.history, self.voice)
