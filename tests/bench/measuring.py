"""Running a program and knowing what it cost."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final, TypeAlias

ROOT: Final = Path(__file__).resolve().parents[2]
DRIVERS: Final = Path(__file__).resolve().parent / "drivers"
TIMEOUT_SECONDS: Final = 3600.0  # the huge zone takes minutes, to sign and to verify
_POLL_SECONDS: Final = 0.05
_SHOWN_OUTPUT: Final = 2000

Command: TypeAlias = Sequence[str | Path]


class BenchError(Exception):
    """A contender failed, or what it wrote is not what it was asked for; no figure is reported then."""


class Kind(Enum):
    """What a row of a table is about."""

    ZONEKIT = "zonekit"
    PEER = "peer"
    FLOOR = "floor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What one run cost.

    Attributes:
        cpu_seconds: user and system time of all processes.
        wall_seconds: from start to end.
        peak_kib: the largest resident set of one of the processes, in KiB.
    """

    cpu_seconds: float
    wall_seconds: float
    peak_kib: int

    def __add__(self, other: Sample) -> Sample:
        """One run after the other."""
        return Sample(
            cpu_seconds=self.cpu_seconds + other.cpu_seconds,
            wall_seconds=self.wall_seconds + other.wall_seconds,
            peak_kib=max(self.peak_kib, other.peak_kib),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One way to do a job.

    Attributes:
        name: what the table calls it.
        kind: whose way it is.
        measure: does the job once, or ``items`` of it, and returns what that cost.
        items: how many of what the table counts by one sample is about; may be a fraction.
        verify: raises BenchError unless the output of the first run is right; None when there is none to verify.
        glance: raises BenchError unless the output of a later run looks like the one that was verified.
        measure_memory: does the job once more and returns the most memory that all its processes had together, in KiB.
        remark: what a reader should know about it.
    """

    name: str
    kind: Kind
    measure: Callable[[], Sample]
    items: float = 1
    verify: Callable[[], None] | None = None
    glance: Callable[[], None] | None = None
    measure_memory: Callable[[], int] | None = None
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What was measured of one contender; see there for the attributes."""

    name: str
    kind: Kind
    items: float
    samples: tuple[Sample, ...]
    remark: str = ""
    together_kib: int | None = None

    @property
    def cpu_seconds(self) -> float:
        """The median for one item."""
        return statistics.median(sample.cpu_seconds for sample in self.samples) / self.items

    @property
    def wall_seconds(self) -> float:
        """The median for one item."""
        return statistics.median(sample.wall_seconds for sample in self.samples) / self.items

    @property
    def peak_kib(self) -> int:
        """The median."""
        return round(statistics.median(sample.peak_kib for sample in self.samples))

    def cpu_ratio(self, other: Row) -> float:
        """Our CPU time over the other's: the median over the rounds where both have one, else of the medians."""
        return self._ratio(other, lambda sample: sample.cpu_seconds)

    def wall_ratio(self, other: Row) -> float:
        """Our wall time over the other's, in the same way."""
        return self._ratio(other, lambda sample: sample.wall_seconds)

    def _ratio(self, other: Row, cost: Callable[[Sample], float]) -> float:
        mine = [cost(sample) / self.items for sample in self.samples]
        theirs = [cost(sample) / other.items for sample in other.samples]
        if len(mine) != len(theirs):
            mine, theirs = [statistics.median(mine)], [statistics.median(theirs)]
        return statistics.median(
            one / another if another else float("inf") for one, another in zip(mine, theirs, strict=True)
        )


def progress(text: str) -> None:
    """Say to standard error what is going on."""
    print(text, file=sys.stderr, flush=True)


def measure_in_turns(contenders: Sequence[Contender], rounds: int) -> list[Row]:
    """Let the contenders do their job in turns, and return what each cost.

    Raises:
        BenchError: one of them failed, or its output is not right.
    """
    samples: dict[str, list[Sample]] = {contender.name: [] for contender in contenders}
    for number in range(1, rounds + 1):
        for contender in contenders:
            sample = contender.measure()
            samples[contender.name].append(sample)
            progress(
                f"  round {number}/{rounds}  {contender.name}: {sample.cpu_seconds:.2f} s CPU,"
                f" {sample.wall_seconds:.2f} s wall"
            )
        if number == 1:
            checks = [contender.verify for contender in contenders if contender.verify is not None]
            if checks:
                progress("  verifying what they wrote")
            run_together(checks)
        else:
            for contender in contenders:
                if contender.glance is not None:
                    contender.glance()
    return [
        Row(
            name=contender.name,
            kind=contender.kind,
            items=contender.items,
            samples=tuple(samples[contender.name]),
            remark=contender.remark,
            together_kib=_memory_of(contender),
        )
        for contender in contenders
    ]


def _memory_of(contender: Contender) -> int | None:
    if contender.measure_memory is None:
        return None
    progress(f"  the memory of all processes  {contender.name}")
    return contender.measure_memory()


def run_together(checks: Sequence[Callable[[], None]]) -> None:
    """Run checks at once, as many as there are cores; what one of them raises is raised here."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for checked in [pool.submit(check) for check in checks]:
            checked.result()


# ---- one program ----------------------------------------------------------------------------------------------------


def environment() -> dict[str, str]:
    """The environment that every contender gets."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONPATH": os.fspath(ROOT)}


def driver(name: str, *arguments: object) -> list[str]:
    """The command that runs one of the small programs in drivers/ with this Python."""
    return [sys.executable, os.fspath(DRIVERS / f"{name}.py"), *map(str, arguments)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What a program cost and printed to standard output."""

    sample: Sample
    output: str


def run(command: Command, *, cwd: Path | None = None, output: Path | None = None) -> Finished:
    """Run a program to its end; what it prints goes into the file ``output`` as well where one is given.

    Raises:
        BenchError: it failed, or did not end in time; the message has its last words.
    """
    with (
        tempfile.TemporaryFile() if output is None else output.open("w+b") as stdout,
        tempfile.TemporaryFile() as stderr,
    ):
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=environment()
        )
        watchdog = threading.Timer(TIMEOUT_SECONDS, process.kill)
        watchdog.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall_seconds = time.perf_counter() - start
        watchdog.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        stdout.seek(0)
        stderr.seek(0)
        said, errors = stdout.read().decode(errors="replace"), stderr.read().decode(errors="replace")
    if process.returncode != 0:
        raise BenchError(f"exit code {process.returncode}: {_words(command)}\n{(said + errors)[-_SHOWN_OUTPUT:]}")
    sample = Sample(cpu_seconds=usage.ru_utime + usage.ru_stime, wall_seconds=wall_seconds, peak_kib=usage.ru_maxrss)
    return Finished(sample=sample, output=said)


def _words(command: Command) -> str:
    return " ".join([os.fspath(word) for word in command])


def verify_zone(path: Path, origin: str, *, verifier: str) -> None:
    """Raise BenchError unless ``dnssec-verify`` accepts the zone file, now."""
    try:
        run([verifier, "-q", "-o", origin, path])
    except BenchError as error:
        raise BenchError(f"dnssec-verify refuses {path}: {error}") from None


def require_signatures(path: Path, expected: int) -> None:
    """Raise BenchError unless the zone file, in whatever layout, has this many RRSIG records of algorithm 13."""
    found = 0
    with path.open("rb") as file:
        for line in file:
            if b"RRSIG" in line and b" 13 " in line:
                found += 1
    if found != expected:
        raise BenchError(f"{path} has {found} signatures, and was to have {expected}")


# ---- the memory of several processes --------------------------------------------------------------------------------


def peak_of_all_processes(command: Command, *, cwd: Path | None = None) -> int:
    """Run a program and return the most memory that it and its children had together, in KiB.

    Pages that they share are counted once, divided among them (Pss). Looking slows the program down, so its times
    are of no use.
    """
    process = subprocess.Popen(
        command,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
    )
    peak = 0
    watchdog = threading.Timer(TIMEOUT_SECONDS, process.kill)
    watchdog.start()
    while process.poll() is None:
        peak = max(peak, sum(map(_proportional_kib, _tree(process.pid))))
        time.sleep(_POLL_SECONDS)
    watchdog.cancel()
    if process.returncode != 0:
        raise BenchError(f"exit code {process.returncode}: {_words(command)}")
    return peak


def _tree(pid: int) -> list[int]:
    """A process and its descendants."""
    found = [pid]
    for parent in found:
        try:
            for children in Path(f"/proc/{parent}/task").glob("*/children"):
                found += map(int, children.read_text().split())
        except OSError:
            continue  # it has just ended
    return found


def _proportional_kib(pid: int) -> int:
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0  # it has just ended
    return sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))


# ---- the machine's other work ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuClock:
    """How much CPU time the machine has given so far, and how much of it to us, in seconds."""

    machine: float
    ours: float

    @classmethod
    def read(cls) -> CpuClock:
        """Read the kernel's accounts."""
        words = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, words)
        times = os.times()
        return cls(
            machine=(user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK"),
            ours=times.user + times.system + times.children_user + times.children_system,
        )

    def others_since(self, earlier: CpuClock) -> float:
        """The CPU seconds that others had since."""
        return max(0.0, (self.machine - earlier.machine) - (self.ours - earlier.ours))
