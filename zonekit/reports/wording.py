"""Plans and verdicts in words: what the command line and the page say alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, assert_never

from zonekit.instants import instant_text
from zonekit.transfer.journal import Overridden
from zonekit.transfer.plan import Plan, PlannedStep
from zonekit.transfer.proof import Bogus, Outage, Safe, Verdict, Window
from zonekit.transfer.steps import Flow
from zonekit.transfer.waits import Wait
from zonekit.ttl import duration_text

FLOW_TEXTS: Final[Mapping[Flow, str]] = MappingProxyType(
    {
        Flow.OPERATOR_CHANGE: "both operators cooperate, and the registrar stays",
        Flow.REGISTRAR_CHANGE: "both operators cooperate, and the domain moves to another registrar too",
        Flow.REGISTRY_FACILITATED: "the registry relays keys and requests between the two sides",
        Flow.SCANNING_PARENT: "the parent takes DS and NS from the CDS and CSYNC records of both zones",
        Flow.THROUGH_INSECURE: "the losing operator does not cooperate: the domain is unsigned for a while",
        Flow.TO_UNSIGNED: "the gaining operator does not sign",
        Flow.FROM_UNSIGNED: "the losing operator does not sign",
    }
)


def since_start(start: datetime, instant: datetime) -> str:
    """Return an instant as what lies between the start and it.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    >>> since_start(noon, noon + timedelta(hours=49)), since_start(noon, noon)
    ('T+2d1h', 'T')
    """
    since = instant - start
    if not since:
        return "T"
    return f"T+{duration_text(since)}" if since > timedelta(0) else f"T-{duration_text(-since)}"


def in_order(plan: Plan) -> tuple[PlannedStep, ...]:
    """Return the steps of a plan in the order in which they are taken; those of one instant as the flow has them."""
    return tuple(sorted(plan.steps, key=lambda planned: planned.started))


def worth_telling(planned: PlannedStep) -> tuple[Wait, ...]:
    """Return the waits of a step that take any time, the one that binds first."""
    return tuple(wait for wait in planned.waits if wait.interval)


def wait_text(wait: Wait) -> str:
    """Return why something is waited for: what has to leave the caches, how long that takes from when, and who says so."""
    return f"{wait.record}: {duration_text(wait.interval)} from {wait.since} ({wait.rule})"


def override_text(decision: Overridden) -> str:
    """Return who answered for a step although something was missing, when and why."""
    override = decision.override
    return f"{decision.step_id} by {override.who}, {instant_text(override.when)}: {override.why}"


def profiles_text(names: Iterable[str]) -> str:
    """Return the names of resolver profiles."""
    return "; ".join(names)


def verdict_text(verdict: Verdict) -> str:
    """Return a verdict in a sentence, without its story."""
    match verdict:
        case Safe(insecure=()):
            return "safe: no resolver can see the domain bogus, or be sent to servers that do not answer"
        case Safe():
            return "safe, with a time in which the domain is not protected"
        case Bogus():
            return f"bogus {_for_text(verdict.at, verdict.bogus_for)}, seen by {verdict.profile}"
        case Outage():
            return f"outage {_for_text(verdict.at, verdict.out_for)}, seen by {verdict.profile}"
        case _:
            assert_never(verdict)


def _for_text(at: datetime | None, length: timedelta | None) -> str:
    since = "from the beginning" if at is None else f"from {instant_text(at)}"
    return f"{since}, {'for ever' if length is None else f'{duration_text(length)} altogether'}"


def windows_text(windows: Iterable[Window]) -> tuple[str, ...]:
    """Return when the domain is not protected, each time once however many resolvers see it."""
    return tuple(dict.fromkeys(_window_text(window) for window in windows))


def _window_text(window: Window) -> str:
    since = "the beginning" if window.start is None else instant_text(window.start)
    if window.end is None:
        return f"from {since} on"
    length = "" if window.start is None else f" ({duration_text(window.end - window.start)})"
    return f"from {since} to {instant_text(window.end)}{length}"


def switch_text(plan: Plan) -> str:
    """Return what binds the change of the name servers."""
    because = plan.switchover_because
    return "nothing: it follows on the steps before it" if because is None else wait_text(because)
