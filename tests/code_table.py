"""The README's tables of the codes of the verifier, the transfer check and the status of a transfer: ``python -m tests.code_table`` writes them there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tests.generated import Marks
from zonekit.transfer.codes import TRANSFER_CODES
from zonekit.transfer.live_codes import LIVE_CODES
from zonekit.verifying.codes import CODES, Code

MARKS: Final = Marks(
    begin="<!-- the codes, by python -m tests.code_table -->\n",
    end="<!-- end of the codes -->\n",
)


def code_table() -> str:
    """Three blocks that open to a row for each code."""
    of_zones = _table(f"All {len(CODES)} codes of a zone", CODES.values())
    of_transfers = _table(f"The {len(TRANSFER_CODES)} codes of a transfer", TRANSFER_CODES.values())
    of_looks = _table(f"The {len(LIVE_CODES)} codes of a transfer under way", LIVE_CODES.values())
    return f"{of_zones}\n{of_transfers}\n{of_looks}"


def _table(summary: str, codes: Iterable[Code]) -> str:
    head = "| code | severity | meaning | rule |\n|---|---|---|---|\n"
    rows = "".join(_row(code) for code in codes)
    return f"<details>\n<summary>{summary}</summary>\n\n{head}{rows}\n</details>\n"


def _row(code: Code) -> str:
    return f"| `{code.name}` | {code.severity.name.lower()} | {code.meaning} | {code.rule} |\n"


if __name__ == "__main__":
    MARKS.write(code_table())
