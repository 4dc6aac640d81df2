"""What BIND's own tools say about a zone file, where they are installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from zonekit.instants import SignatureValidity

CHECKZONE: Final = "named-checkzone"
VERIFY: Final = "dnssec-verify"
HOW_TO_GET_THEM: Final = "make peers installs them on Debian (package bind9-utils)"

_ADMINISTRATORS_PATH: Final = "/usr/sbin"
_TIMEOUT_SECONDS: Final = 60
_LOADED: Final = re.compile(r"loaded serial \d+.*")
_STAND_BY: Final = re.compile(r"(\d+) stand-by")
_COUNTS: Final = re.compile(r"(KSK|ZSK)s: (\d+) active, (\d+) (?:stand-by|present)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one tool said of one zone file.

    Attributes:
        tool: its name.
        good: whether it accepted the zone.
        words: what it said, in short.
        output: all that it printed.
    """

    tool: str
    good: bool
    words: str
    output: str


class Judges:
    """Those of BIND's tools that are installed, and what they have said so far.

    Attributes:
        all_good: whether nothing was refused.
        saw_stand_by: whether dnssec-verify met a key that signs nothing.
    """

    def __init__(self, validity: SignatureValidity, *, search_path: str | None = None) -> None:
        """Look for the tools, in PATH unless told otherwise."""
        self.all_good = True
        self.saw_stand_by = False
        self._asked = 0
        if search_path is None:
            search_path = os.pathsep.join([os.environ.get("PATH", os.defpath), _ADMINISTRATORS_PATH])
        found = {tool: shutil.which(tool, path=search_path) for tool in (CHECKZONE, VERIFY)}
        self._installed = {tool: program for tool, program in found.items() if program is not None}
        # dnssec-verify has no option for the time and judges by the clock.
        self._clock_fits = validity.covers(datetime.now(UTC).replace(microsecond=0))

    def introduction(self) -> list[tuple[str, str]]:
        """Return what to know of them beforehand."""
        lines = []
        if self._installed:
            lines.append(("judges", f"BIND's {' and '.join(self._installed)}, of each zone file"))
        missing = [tool for tool in (CHECKZONE, VERIFY) if tool not in self._installed]
        if missing:
            lines.append(("missing", f"{' and '.join(missing)}, which would judge each zone file; {HOW_TO_GET_THEM}"))
        if VERIFY in self._installed and not self._clock_fits:
            lines.append(
                ("not asked", f"{VERIFY}: it knows no time but the clock's, and the signatures are for another")
            )
        return lines

    def verdicts(self, path: Path, origin: str) -> Iterator[Verdict]:
        """Ask each about a zone file."""
        if CHECKZONE in self._installed:
            yield self._noted(_check_zone(self._installed[CHECKZONE], path, origin))
        if VERIFY in self._installed and self._clock_fits:
            verdict = self._noted(_verify(self._installed[VERIFY], path, origin))
            self.saw_stand_by |= any(int(count) for count in _STAND_BY.findall(verdict.words))
            yield verdict

    def conclusion(self) -> str:
        """Return what they said of all the files together."""
        if not self._asked:
            return f"No tool of BIND's has judged the zone files: {HOW_TO_GET_THEM}."
        if self.all_good:
            return f"All {self._asked} verdicts of BIND's tools are good."
        return "BIND'S TOOLS FOUND FAULT WITH A ZONE FILE: see above."

    def _noted(self, verdict: Verdict) -> Verdict:
        self._asked += 1
        self.all_good &= verdict.good
        return verdict


def _check_zone(program: str, path: Path, origin: str) -> Verdict:
    """Ask named-checkzone whether named would load the zone; no other server is asked anything."""
    verdict = _run(CHECKZONE, [program, "-i", "local", origin, str(path)])
    loaded = _LOADED.search(verdict.output)
    return _in_short(verdict, f"OK, {loaded[0]}") if verdict.good and loaded else verdict


def _verify(program: str, path: Path, origin: str) -> Verdict:
    """Ask dnssec-verify whether the zone is signed as it should be."""
    verdict = _run(VERIFY, [program, "-o", origin, str(path)])
    counts = [f"{role} {active} active, {other} stand-by" for role, active, other in _COUNTS.findall(verdict.output)]
    return _in_short(verdict, f"OK, fully signed: {'; '.join(counts)}") if verdict.good and counts else verdict


def _in_short(verdict: Verdict, words: str) -> Verdict:
    return Verdict(tool=verdict.tool, good=verdict.good, words=words, output=verdict.output)


def _run(tool: str, command: Sequence[str]) -> Verdict:
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="backslashreplace",
            env=environment,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Verdict(tool=tool, good=False, words=f"did not finish: {error}", output="")
    output = (done.stdout + done.stderr).strip()
    words = "OK" if done.returncode == 0 else f"refused, exit code {done.returncode}"
    return Verdict(tool=tool, good=done.returncode == 0, words=words, output=output)
