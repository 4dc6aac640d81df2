"""What ``zonekit status`` shows: the whole of one transfer, what of it fits on a screen, or a line for each of many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeAlias

import click

from zonekit.cli.exits import one_line
from zonekit.cli.findings import FINDING_COLUMNS, counts_text, finding_row
from zonekit.cli.tables import Column, fact_lines, print_table, rich_table
from zonekit.errors import ZonekitError
from zonekit.findings import Severity
from zonekit.instants import instant_text
from zonekit.reports.scores import (
    ServerLine,
    headline,
    in_time,
    reason_texts,
    server_lines,
    turns,
    when_text,
)
from zonekit.reports.wording import FLOW_TEXTS, switch_text, verdict_text
from zonekit.status import Transfer
from zonekit.transfer.history import Happening
from zonekit.transfer.score import Score, Stage, StepScore

if TYPE_CHECKING:
    import rich.console

_LATEST: Final = 8
"""How much of the history goes beneath a live view."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table that is shown."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]


Block: TypeAlias = "str | Table"
"""Lines of text, or a table."""


def print_view(blocks: Iterable[Block]) -> None:
    """Print it to standard output."""
    for block in blocks:
        if isinstance(block, Table):
            print_table(block.columns, block.rows)
        else:
            click.echo(block)


def rich_view(blocks: Iterable[Block]) -> rich.console.Group:
    """Return it for a terminal that is written over."""
    import rich.console
    import rich.text

    return rich.console.Group(
        *[
            rich_table(block.columns, block.rows) if isinstance(block, Table) else rich.text.Text(block)
            for block in blocks
        ]
    )


# ---- one transfer ---------------------------------------------------------------------------------------------------


def whole_view(score: Score, *, severity: Severity, history: Sequence[Happening] | None) -> Iterator[Block]:
    """Yield all there is to say of a transfer; ``history`` only where it is asked for."""
    yield one_line(headline(score))
    yield ""
    yield "\n".join(fact_lines(_facts(score)))
    yield ""
    yield Table(_columns("stage", "when", "who", "what"), list(_step_rows(score, score.steps)))
    yield from _turn_blocks(score)
    yield from _server_blocks(score)
    yield from _finding_blocks(score, severity)
    if history is not None:
        yield from _history_blocks(history)


def live_view(
    score: Score, *, severity: Severity, history: Sequence[Happening], next_look: datetime, problem: str
) -> Iterator[Block]:
    """Yield what fits on a screen: what is not done, what is wrong, and what happened last."""
    yield one_line(headline(score))
    if problem:
        yield f"the last look failed: {one_line(problem)}"
    yield f"looked at {instant_text(score.at)}; the next look is at {instant_text(next_look)}; Ctrl-C ends it"
    done = [step.id for step in score.steps if step.stage is Stage.DONE]
    yield f"done: {', '.join(done) or 'nothing yet'}"
    yield ""
    left = [step for step in score.steps if step.stage not in (Stage.DONE, Stage.OVER)]
    if left:
        yield Table(_columns("stage", "when", "who", "what"), list(_step_rows(score, left, told=_TOLD_LIVE)))
    yield from _server_blocks(score)
    yield from _finding_blocks(score, severity)
    yield from _history_blocks(latest(history))


_TOLD_LIVE: Final = frozenset((Stage.UNDER_WAY, Stage.WAITS, Stage.MISSING))
"""The stages of the steps whose reasons go into a live view."""


def _columns(*titles: str) -> list[Column]:
    return [Column(title=title) for title in titles]


def _facts(score: Score) -> list[tuple[str, str]]:
    plan = score.plan
    switched = plan.step("ns-changed")
    switchover = switched.completed if switched.recorded else plan.switchover
    return [
        ("domain", plan.facts.domain),
        ("flow", f"{plan.flow.value}: {FLOW_TEXTS[plan.flow]}"),
        ("looked at", instant_text(score.at)),
        ("switchover", _instant_text(score, switchover, is_done=switched.recorded)),
        *([] if switched.recorded else [("what binds", one_line(switch_text(plan)))]),
        ("finished", _instant_text(score, plan.finished, is_done=score.is_finished)),
        ("verdict", verdict_text(score.verdict)),
        ("findings", counts_text(score.findings)),
    ]


def _instant_text(score: Score, instant: datetime, *, is_done: bool) -> str:
    return f"done, {instant_text(instant)}" if is_done else f"{in_time(score.at, instant)} at the earliest"


def _step_rows(
    score: Score, steps: Iterable[StepScore], *, told: frozenset[Stage] = frozenset(Stage)
) -> Iterator[tuple[str, str, str, str]]:
    """Yield each step, and beneath it why it stands where it does."""
    for step in steps:
        what = one_line(f"{step.id}: {step.planned.step.action}")
        yield step.stage.value, when_text(step), step.actor.value, what
        if step.stage in told:
            yield from (("", "", "", one_line(f"  {text}")) for text in reason_texts(score, step))


def _turn_blocks(score: Score) -> Iterator[Block]:
    found = turns(score)
    if not found:
        return
    rows = []
    for turn in found:
        more = f" (then: --said {turn.step_id} --by NAME)" if turn.needs_saying else ""
        rows.append((turn.actor.value, one_line(f"{turn.step_id}: {turn.what}"), one_line(f"{turn.done_when}{more}")))
    yield "\nWhose turn it is"
    yield Table(_columns("who", "what", "done when"), rows)


def _server_blocks(score: Score) -> Iterator[Block]:
    troubled = [line for line in server_lines(score) if line.is_in_trouble]
    if troubled:
        yield "\nServers in trouble"
        yield Table(_columns("server", "whose", "when asked, it", "heard"), list(map(_server_row, troubled)))


def _server_row(line: ServerLine) -> tuple[str, ...]:
    return str(line.server), line.whose, one_line(line.outcome), line.heard


def _finding_blocks(score: Score, severity: Severity) -> Iterator[Block]:
    shown = score.at_least(severity)
    if shown:
        yield "\nFindings"
        yield Table(FINDING_COLUMNS, list(map(finding_row, shown)))


def _history_blocks(history: Sequence[Happening]) -> Iterator[Block]:
    if history:
        yield "\nWhat happened"
        yield "\n".join(one_line(str(each)) for each in history)


def latest(history: Sequence[Happening]) -> Sequence[Happening]:
    """Return as much of the history as goes beneath a view that is shown again and again."""
    return history[-_LATEST:]


# ---- many -----------------------------------------------------------------------------------------------------------


def lines_view(looks: Iterable[tuple[Transfer, Score | ZonekitError]]) -> Iterator[Block]:
    """Yield a line for each transfer."""
    for transfer, found in looks:
        if isinstance(found, ZonekitError):
            yield one_line(f"{transfer.file.domain.removesuffix('.')}: cannot be told: {found}")
        else:
            yield one_line(headline(found))
