"""Parts of the README that are made from tables: each stands between two marks, and is written there anew."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

README: Final = Path(__file__).parent.parent / "README.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """The lines around a generated part.

    Attributes:
        begin: the line before it.
        end: the line after it.
    """

    begin: str
    end: str

    def parts(self, text: str) -> tuple[str, str, str]:
        """The README before the part, with the mark; the part; and the rest, with the mark."""
        before, begin, rest = text.partition(self.begin)
        part, end, after = rest.partition(self.end)
        assert begin and end, f"the README has lost {self.begin.strip()} or {self.end.strip()}"
        return before + begin, part, end + after

    def write(self, part: str) -> None:
        """Write the part into the README."""
        before, _, after = self.parts(README.read_text(encoding="utf-8"))
        README.write_text(before + part + after, encoding="utf-8")
