"""Loopback addresses that nobody else uses: a block of 127.0.0.0/8 for each laboratory.

They are put on the loopback interface, for named listens at no address that an interface does not have; they leave it when
the laboratory ends, or by themselves after an hour where it could not end.
"""

from __future__ import annotations

import itertools
import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from tests.peers import run_peer

DNS_PORT: Final = 53
_LOCK_PORT: Final = 1
_TRIES: Final = 50
_LIFE_SECONDS: Final = 3600


class NoAddresses(Exception):
    """Loopback addresses or their port 53 cannot be had: not root, or somebody listens on port 53 of every address."""


@dataclass
class Addresses:
    """The addresses of one block, handed out once each.

    Attributes:
        block: the first three octets.
    """

    block: str
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _handed_out: list[str] = field(default_factory=list)

    @classmethod
    @contextmanager
    def reserved(cls) -> Iterator[Addresses]:
        """A block that no other laboratory on this machine has, for as long as the context lasts.

        Raises:
            NoAddresses: ports below 1024 are not for us.
        """
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as lock:
            for _ in range(_TRIES):
                # 127.0 is left to the machine's own servers.
                block = f"127.{random.randint(1, 254)}.{random.randint(0, 254)}"
                try:
                    lock.bind((f"{block}.254", _LOCK_PORT))
                except PermissionError as error:
                    raise NoAddresses("ports below 1024 are for root") from error
                except OSError:
                    continue
                addresses = cls(block)
                try:
                    yield addresses
                finally:
                    addresses._give_back()
                return
        raise NoAddresses(f"no free block in {_TRIES} tries")

    def new(self) -> str:
        """An address of which port 53 is free.

        Raises:
            NoAddresses: none is left, the interface does not take it, or its port 53 cannot be bound.
        """
        number = next(self._numbers)
        if number >= 254:
            raise NoAddresses(f"{self.block}.0/24 is used up")
        address = f"{self.block}.{number}"
        life = ["valid_lft", str(_LIFE_SECONDS), "preferred_lft", str(_LIFE_SECONDS)]
        added = run_peer(["ip", "address", "replace", f"{address}/32", "dev", "lo", *life])
        if added.returncode != 0:
            raise NoAddresses(f"cannot put {address} on the loopback interface: {added.stderr.strip()}")
        self._handed_out.append(address)
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with socket.socket(socket.AF_INET, kind) as probe:
                try:
                    probe.bind((address, DNS_PORT))
                except OSError as error:
                    raise NoAddresses(f"cannot bind port {DNS_PORT} of {address}: {error}") from error
        return address

    def _give_back(self) -> None:
        for address in self._handed_out:
            run_peer(["ip", "address", "delete", f"{address}/32", "dev", "lo"])
