"""Where a laboratory may be: addresses of its own, processes that never outlive the test, and a word where it may not."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.lab.addresses import DNS_PORT, Addresses, NoAddresses
from tests.lab.places import laboratory_or_skip
from tests.peers import REQUIRED, run_peer

ROOT = Path(__file__).parent.parent.parent
STARTS_A_SERVER = """
import subprocess
from tests.lab.processes import Reaper
server = subprocess.Popen(["sleep", "600"], start_new_session=True)
Reaper().watch(server.pid)
print(server.pid, flush=True)
input()
"""


def on_loopback() -> str:
    return run_peer(["ip", "address", "show", "dev", "lo"]).stdout


def test_two_laboratories_have_different_addresses_and_give_them_back() -> None:
    with laboratory_or_skip(), Addresses.reserved() as one, Addresses.reserved() as other:
        given = [one.new(), one.new(), other.new()]
        assert len(set(given)) == 3 and one.block != other.block
        assert all(f" {address}/32 " in on_loopback() for address in given)
    assert not any(f" {address}/32 " in on_loopback() for address in given)


def test_an_address_whose_port_is_taken_is_refused() -> None:
    with laboratory_or_skip(), Addresses.reserved() as addresses, socket.socket(type=socket.SOCK_DGRAM) as taken:
        addresses.new()
        taken.bind((f"{addresses.block}.2", DNS_PORT))
        with pytest.raises(NoAddresses, match=r"cannot bind port 53"):
            addresses.new()


def test_without_addresses_a_test_is_skipped_or_fails_where_peers_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(REQUIRED, raising=False)
    with pytest.raises(pytest.skip.Exception, match="for root"), laboratory_or_skip():
        raise NoAddresses("ports below 1024 are for root")
    monkeypatch.setenv(REQUIRED, "1")
    with pytest.raises(pytest.fail.Exception, match="for root"), laboratory_or_skip():
        raise NoAddresses("ports below 1024 are for root")


def test_a_server_does_not_outlive_a_test_that_was_killed() -> None:
    test = subprocess.Popen(
        [sys.executable, "-c", STARTS_A_SERVER], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with test:
        assert test.stdout is not None
        server = int(test.stdout.readline())
        assert is_running(server)
        test.send_signal(signal.SIGKILL)
        test.wait(10)
        until = time.monotonic() + 30
        while is_running(server) and time.monotonic() < until:
            time.sleep(0.05)
        assert not is_running(server)


def is_running(process: int) -> bool:
    """Whether it runs; one that has ended may stand in the table of processes until somebody asks for it."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
