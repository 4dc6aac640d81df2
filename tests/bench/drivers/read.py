"""Read a zone file. Arguments: zone, origin."""

from __future__ import annotations

import sys

from zonekit.files import read_zone

if __name__ == "__main__":
    read_zone(sys.argv[1], origin=sys.argv[2])
