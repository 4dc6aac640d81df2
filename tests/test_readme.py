"""The README's Python examples run as they stand, in order, as one session."""

from __future__ import annotations

import doctest
import re
import shutil
from pathlib import Path

import pytest

from tests import code_table, flow_sections
from zonekit.transfer.codes import TRANSFER_CODES
from zonekit.transfer.live_codes import LIVE_CODES
from zonekit.verifying.codes import CODES

ROOT = Path(__file__).parent.parent
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def python_blocks() -> list[str]:
    """Return the README's Python blocks in order."""
    return _BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))


def test_the_examples_do_what_they_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "fixtures", tmp_path / "fixtures")
    monkeypatch.chdir(tmp_path)
    session: dict[str, object] = {"__name__": "__main__"}
    blocks = python_blocks()
    assert blocks, "README.md has no ```python block"
    said: list[str] = []
    for number, block in enumerate(blocks, start=1):
        if ">>> " not in block:
            exec(compile(block, f"README.md example {number}", "exec"), session)
            continue
        example = doctest.DocTestParser().get_doctest(block, session, f"README.md example {number}", None, None)
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
        runner.run(example, out=said.append, clear_globs=False)
        session.update(example.globs)
    assert not said, "".join(said)


def test_the_flows_are_those_of_the_tables() -> None:
    _, sections, _ = flow_sections.MARKS.parts((ROOT / "README.md").read_text(encoding="utf-8"))
    assert sections == flow_sections.flow_sections(), "write them anew: python -m tests.flow_sections"


def test_the_codes_are_those_of_the_verifier_the_transfer_check_and_the_status() -> None:
    _, table, _ = code_table.MARKS.parts((ROOT / "README.md").read_text(encoding="utf-8"))
    assert table == code_table.code_table(), "write it anew: python -m tests.code_table"
    cells = [
        [cell.strip() for cell in row.strip("|").split(" | ")] for row in table.splitlines() if row.startswith("| `")
    ]
    assert [name.strip("`") for name, *_ in cells] == [*CODES, *TRANSFER_CODES, *LIVE_CODES]
    assert all(len(row) == 4 and all(row) for row in cells)
