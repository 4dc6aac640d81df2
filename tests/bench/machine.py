"""What the figures depend on: the machine, and the versions of everything."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from tests.peers import find_peer

_PACKAGES: Final = ("zonekit", "cryptography", "dnspython")
_VERSION_OPTIONS: Final = {
    "dnssec-signzone": "-V",
    "dnssec-verify": "-V",
    "named-checkzone": "-v",
    "ldns-signzone": "-v",
    "kzonesign": "-V",
    "knotd": "-V",
}


def machine_facts(directory: Path) -> dict[str, object]:
    """Return what can be known of the machine; ``directory`` is where the files go."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "kernel": platform.release(),
        "file_system": _file_system(directory),
        "python": platform.python_version(),
    }


def versions() -> dict[str, str]:
    """Return the versions of the libraries, and of the peers that are here."""
    from cryptography.hazmat.backends.openssl import backend

    found = {name: _package_version(name) for name in _PACKAGES} | {"openssl": backend.openssl_version_text()}
    for program, option in _VERSION_OPTIONS.items():
        path = find_peer(program)
        if path is not None:
            found[program] = _program_version(path, option)
    return found


def _cpu_model() -> str:
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _file_system(directory: Path) -> str:
    """The type of the file system that a directory is on: that of the longest mount point above it."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    above = [(len(point), kind) for point, kind in mounts if directory.resolve().is_relative_to(point)]
    return max(above)[1]


def _package_version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed, run from its source tree"


def _program_version(path: str, option: str) -> str:
    done = subprocess.run([path, option], capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d+[\w.~-]*", done.stdout + done.stderr)
    return found[0].rstrip(".") if found else "unknown"
