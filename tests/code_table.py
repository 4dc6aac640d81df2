"""The README's tables of the verifier's codes and the transfer check's: ``python -m tests.code_table`` writes them there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from zonekit.transfer.codes import TRANSFER_CODES
from zonekit.verifying.codes import CODES, Code

README: Final = Path(__file__).parent.parent / "README.md"
_BEGIN: Final = "<!-- the codes, by python -m tests.code_table -->\n"
_END: Final = "<!-- end of the codes -->\n"


def code_table() -> str:
    """Two blocks that open to a row for each code."""
    of_zones = _table(f"All {len(CODES)} codes of a zone", CODES.values())
    of_transfers = _table(f"The {len(TRANSFER_CODES)} codes of a transfer", TRANSFER_CODES.values())
    return f"{of_zones}\n{of_transfers}"


def _table(summary: str, codes: Iterable[Code]) -> str:
    head = "| code | severity | meaning | rule |\n|---|---|---|---|\n"
    rows = "".join(_row(code) for code in codes)
    return f"<details>\n<summary>{summary}</summary>\n\n{head}{rows}\n</details>\n"


def _row(code: Code) -> str:
    return f"| `{code.name}` | {code.severity.name.lower()} | {code.meaning} | {code.rule} |\n"


def parts(text: str) -> tuple[str, str, str]:
    """The README before its table of codes with the mark, that table, and the rest with the mark."""
    before, begin, rest = text.partition(_BEGIN)
    table, end, after = rest.partition(_END)
    assert begin and end, "the README has lost the marks around its table of codes"
    return before + begin, table, end + after


def main() -> None:
    """Write the table of codes into the README."""
    before, _, after = parts(README.read_text(encoding="utf-8"))
    README.write_text(before + code_table() + after, encoding="utf-8")


if __name__ == "__main__":
    main()
