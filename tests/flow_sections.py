"""The README's part about the flows, made from the tables: ``python -m tests.flow_sections`` writes it there anew."""

from __future__ import annotations

from typing import Final

from tests.generated import Marks
from zonekit.epp.carriers import carriage_list
from zonekit.reports.wording import FLOW_TEXTS
from zonekit.transfer.steps import Flow, mermaid, step_list

MARKS: Final = Marks(
    begin="<!-- the flows, by python -m tests.flow_sections -->\n",
    end="<!-- end of the flows -->\n",
)


def flow_sections() -> str:
    """A block for each flow, which opens to its diagram, its steps, and what carries them over EPP."""
    return "\n".join(_section(flow) for flow in Flow)


def _section(flow: Flow) -> str:
    summary = f"<summary><code>{flow.value}</code>: {FLOW_TEXTS[flow]}</summary>"
    return f"<details>\n{summary}\n\n```mermaid\n{mermaid(flow)}```\n\n{step_list(flow)}\nOver EPP:\n\n{carriage_list(flow)}\n</details>\n"


if __name__ == "__main__":
    MARKS.write(flow_sections())
