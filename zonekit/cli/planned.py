"""What commands read of a transfer: its facts, or a plan made of them."""

from __future__ import annotations

from zonekit.cli.inputs import place, read_input
from zonekit.errors import ZonekitError
from zonekit.transfer.facts import Facts
from zonekit.transfer.plan import Plan
from zonekit.transfer.planfile import read_facts, read_plan


def read_facts_or_plan(path: str) -> Facts | Plan:
    """Return what a file holds: facts, or a plan, which begins with a brace as no TOML does."""
    text = read_input(path)
    try:
        return read_plan(text) if text.lstrip().startswith("{") else read_facts(text)
    except ZonekitError as error:
        raise error.within(place(path)) from None
