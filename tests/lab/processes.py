"""Servers as processes: started, frozen and stopped by the test, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from tests.lab.asking import is_answering
from tests.peers import require_peer

START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 10.0
COMMAND_SECONDS: Final = 30.0
_PAUSE_SECONDS: Final = 0.05

# Ends the process groups it was told of when whoever started it is gone, whatever ended that.
_REAPER: Final = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
groups = set()
for line in sys.stdin:
    (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
for group in groups:
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        pass
"""


class Reaper:
    """A process that outlives the test and ends the servers which the test could not."""

    def __init__(self) -> None:
        self._telling = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-c", _REAPER], stdin=subprocess.PIPE, text=True, start_new_session=True
        )

    def watch(self, group: int) -> None:
        """End this process group if the test does not."""
        self._tell(f"+{group}")

    def forget(self, group: int) -> None:
        """It has ended."""
        self._tell(f"-{group}")

    def close(self) -> None:
        """Let it end whatever is still there, and itself."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(STOP_SECONDS)

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        with self._telling:
            print(line, file=self._process.stdin, flush=True)


@contextmanager
def reaper() -> Iterator[Reaper]:
    """A reaper that has done its work at the end."""
    made = Reaper()
    try:
        yield made
    finally:
        made.close()


class Server(ABC):
    """One program that answers on port 53 of an address of its own.

    Attributes:
        name: what it is called in the laboratory.
        address: where it listens.
        directory: where its configuration, zones and log are.
    """

    program: str

    def __init__(self, name: str, address: str, directory: Path, watcher: Reaper) -> None:
        self.name = name
        self.address = address
        self.directory = directory / name
        self.directory.mkdir()
        self._reaper = watcher
        self._process: subprocess.Popen[bytes] | None = None
        self._path = require_peer(self.program)

    @abstractmethod
    def configure(self) -> None:
        """Write the configuration into the directory."""

    @abstractmethod
    def arguments(self) -> Sequence[str]:
        """What follows the program's name, for it to stay in the foreground."""

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self.directory / "log"

    def start(self) -> None:
        """Start it, without waiting for an answer."""
        assert self._process is None, f"{self.name} runs"
        self.configure()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._path, *self.arguments()],
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._reaper.watch(self._process.pid)

    def wait_until_ready(self) -> None:
        """Wait until it answers anything at all."""
        self.wait(lambda: is_answering(self.address), "does not answer")

    def restart(self) -> None:
        """Stop and start it, and wait until it answers."""
        self.stop()
        self.start()
        self.wait_until_ready()

    def stop(self) -> None:
        """End it; nothing happens when it has ended already."""
        process, self._process = self._process, None
        if process is None:
            return
        self._signal(process, signal.SIGCONT)
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        self._signal(process, signal.SIGKILL)
        process.wait()
        self._reaper.forget(process.pid)

    def freeze(self) -> None:
        """Let it hear and not answer, as a server does that has lost its line."""
        self._signal(self._running(), signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(self._running(), signal.SIGCONT)

    def wait(self, is_so: Callable[[], bool], otherwise: str, seconds: float = START_SECONDS) -> None:
        """Wait until something is so; fail with the log when it takes too long or the process ends."""
        until = time.monotonic() + seconds
        while not is_so():
            if self._running().poll() is not None:
                raise AssertionError(f"{self.name} has ended\n{self.log_tail()}")
            if time.monotonic() > until:
                raise AssertionError(f"{self.name} {otherwise} in {seconds:.0f} s\n{self.log_tail()}")
            time.sleep(_PAUSE_SECONDS)

    def run(self, *command: str) -> str:
        """Run one of the program's own tools in the directory and return what it printed; fail unless it left with 0."""
        program, *arguments = command
        done = subprocess.run(
            [require_peer(program), *arguments],
            cwd=self.directory,
            capture_output=True,
            text=True,
            errors="backslashreplace",
            timeout=COMMAND_SECONDS,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, f"{self.name}: {' '.join(command)}: {said}\n{self.log_tail()}"
        return said

    def log_tail(self, characters: int = 4000) -> str:
        """The end of its log."""
        text = self.log.read_text(encoding="utf-8", errors="backslashreplace") if self.log.exists() else ""
        return f"---- {self.name} at {self.address}\n{text[-characters:]}"

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, f"{self.name} is stopped"
        return self._process

    @staticmethod
    def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
