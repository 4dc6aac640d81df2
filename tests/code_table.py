"""The README's table of the verifier's codes, made from :data:`CODES`: ``python -m tests.code_table`` writes it there."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from zonekit.verifying.codes import CODES, Code

README: Final = Path(__file__).parent.parent / "README.md"
_BEGIN: Final = "<!-- the codes, by python -m tests.code_table -->\n"
_END: Final = "<!-- end of the codes -->\n"


def code_table() -> str:
    """A block that opens to a row for each code."""
    rows = "".join(_row(code) for code in CODES.values())
    head = "| code | severity | meaning | rule |\n|---|---|---|---|\n"
    return f"<details>\n<summary>All {len(CODES)} codes</summary>\n\n{head}{rows}\n</details>\n"


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
