"""The README's part about the flows, made from the tables: ``python -m tests.flow_sections`` writes it there anew."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from zonekit.reports.wording import FLOW_TEXTS
from zonekit.transfer.steps import Flow, mermaid, step_list

README: Final = Path(__file__).parent.parent / "README.md"
_BEGIN: Final = "<!-- the flows, by python -m tests.flow_sections -->\n"
_END: Final = "<!-- end of the flows -->\n"


def flow_sections() -> str:
    """A block for each flow, which opens to its diagram and its steps."""
    return "\n".join(_section(flow) for flow in Flow)


def _section(flow: Flow) -> str:
    summary = f"<summary><code>{flow.value}</code>: {FLOW_TEXTS[flow]}</summary>"
    return f"<details>\n{summary}\n\n```mermaid\n{mermaid(flow)}```\n\n{step_list(flow)}\n</details>\n"


def parts(text: str) -> tuple[str, str, str]:
    """The README before its part about the flows with the mark, that part, and the rest with the mark."""
    before, begin, rest = text.partition(_BEGIN)
    sections, end, after = rest.partition(_END)
    assert begin and end, "the README has lost the marks around its part about the flows"
    return before + begin, sections, end + after


def main() -> None:
    """Write the part about the flows into the README."""
    before, _, after = parts(README.read_text(encoding="utf-8"))
    README.write_text(before + flow_sections() + after, encoding="utf-8")


if __name__ == "__main__":
    main()
