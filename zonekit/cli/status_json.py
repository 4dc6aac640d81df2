"""What ``zonekit status --json`` prints; the command's help has every member."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from zonekit.cli.check import verdict_object
from zonekit.cli.outputs import finding_objects
from zonekit.errors import ZonekitError
from zonekit.instants import instant_text
from zonekit.reports.scores import ServerLine, headline, server_lines
from zonekit.status import Transfer
from zonekit.transfer.course import TtlSeen
from zonekit.transfer.history import Happening
from zonekit.transfer.score import Score, StepScore
from zonekit.transfer.waits import Wait

_FORMAT: Final = {"format": "zonekit-status", "version": 1}


def status_object(transfers: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return what there is to say of some transfers."""
    return {**_FORMAT, "transfers": list(transfers)}


def transfer_object(
    transfer: Transfer, found: Score | ZonekitError, history: Iterable[Happening] | None
) -> dict[str, Any]:
    """Return what there is to say of one transfer; ``history`` only where it is asked for."""
    if isinstance(found, ZonekitError):
        return {"domain": transfer.file.domain, "error": str(found)}
    plan, followed = found.plan, found.followed
    told = {
        "domain": plan.facts.domain,
        "at": instant_text(found.at),
        "headline": headline(found),
        "needs_attention": found.needs_attention,
        "is_finished": found.is_finished,
        "flow": plan.flow.value,
        "start": instant_text(plan.start),
        "switchover": instant_text(plan.switchover),
        "finished": instant_text(plan.finished),
        "proof": verdict_object(found.verdict),
        "steps": [_step_object(found, step) for step in found.steps],
        "next": [step.id for step in found.next_steps],
        "servers": list(map(_server_object, server_lines(found))),
        "ttls": list(map(_ttl_object, followed.course.ttls)),
        "clock_set": int(followed.clock_set.total_seconds()),
        "undone": list(followed.undone),
        "findings": finding_objects(found.findings),
    }
    if history is not None:
        told["history"] = list(map(_happening_object, history))
    return told


def _step_object(score: Score, step: StepScore) -> dict[str, Any]:
    return {
        "id": step.id,
        "actor": step.actor.value,
        "action": step.planned.step.action,
        "stage": step.stage.value,
        "since": _instant(step.since),
        "until": _instant(step.until),
        "by": step.by,
        "lacking": sorted(step.lacking),
        "missing": [
            {
                "step": each.step_id,
                "actor": score.step(each.step_id).actor.value,
                "needed": each.needed,
                "found": each.found,
            }
            for each in step.missing
        ],
        "waits": list(map(_wait_object, step.waits)),
        "needs_saying": step.needs_saying,
    }


def _wait_object(wait: Wait) -> dict[str, Any]:
    return {
        "until": instant_text(wait.until),
        "since": wait.since,
        "counted_from": instant_text(wait.counted_from),
        "interval": int(wait.interval.total_seconds()),
        "record": wait.record,
        "rule": wait.rule,
    }


def _server_object(line: ServerLine) -> dict[str, Any]:
    return {
        "name": line.server.name,
        "address": line.server.address,
        "port": line.server.port,
        "source": line.server.source.value,
        "outcome": line.outcome,
        "is_well": line.is_well,
        "is_due": line.is_due,
        "last_answered": _instant(line.last_answered),
        "silent_since": _instant(line.silent_since),
    }


def _ttl_object(seen: TtlSeen) -> dict[str, Any]:
    return {
        "source": seen.source.value,
        "record": seen.record.value,
        "ttl": int(seen.ttl),
        "first_seen": instant_text(seen.first_seen),
        "last_seen": instant_text(seen.last_seen),
        "until": _instant(seen.until),
    }


def _happening_object(happening: Happening) -> dict[str, Any]:
    return {
        "at": instant_text(happening.at),
        "what": happening.what.value,
        "step": happening.step_id,
        "text": happening.text,
    }


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else instant_text(instant)
