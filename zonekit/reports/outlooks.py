"""What lies ahead of a plan, in words: its length, what lowering TTLs saves, and what turning back takes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from zonekit.transfer.outlook import Outlook, TurningBack
from zonekit.transfer.wayback import Return
from zonekit.ttl import duration_text

RETURN_TEXTS: Final[Mapping[Return, str]] = MappingProxyType(
    {
        Return.UNDO: "what was added is taken away",
        Return.SWITCH_BACK: "the name servers change back",
        Return.NEW_TRANSFER: "a transfer the other way",
    }
)


def path_text(outlook: Outlook) -> str:
    """Return the steps that make a plan as long as it is."""
    return ", ".join(outlook.critical_path)


def saved_text(outlook: Outlook) -> str:
    """Return what lowering the TTLs is good for."""
    saved = outlook.saved_by_lowering
    if saved is None:
        return "they are not lowered"
    return f"saves {duration_text(saved)}" if saved else "saves nothing: something else holds the end up"


def back_text(back: TurningBack) -> str:
    """Return what turning back after a step takes.

    >>> from datetime import timedelta
    >>> back_text(TurningBack(step_id="ns-changed", kind=Return.SWITCH_BACK, cost=timedelta(hours=25)))
    'the name servers change back, 1d1h'
    """
    if back.kind is None or back.cost is None:
        return f"no safe way back: {back.why_not}"
    return f"{RETURN_TEXTS[back.kind]}, {duration_text(back.cost) if back.cost else 'at once'}"


def turning_back_texts(outlook: Outlook) -> tuple[str, ...]:
    """Return what turning back takes, steps in a row told once where it is the same after each."""
    texts = []
    for text, alike in itertools.groupby(outlook.turning_back, key=back_text):
        ids = [back.step_id for back in alike]
        texts.append(f"after {' to '.join(dict.fromkeys((ids[0], ids[-1])))}: {text}")
    return tuple(texts)
