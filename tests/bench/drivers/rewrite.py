"""Read a zone file and write it again. Arguments: zone, origin, output."""

from __future__ import annotations

import sys

from zonekit.files import read_zone, write_zone

if __name__ == "__main__":
    write_zone(read_zone(sys.argv[1], origin=sys.argv[2]), sys.argv[3])
