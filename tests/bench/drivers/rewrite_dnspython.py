"""Read a zone file and write it again with dnspython. Arguments: zone, origin, output."""

from __future__ import annotations

import sys

import dns.zone

if __name__ == "__main__":
    dns.zone.from_file(sys.argv[1], origin=sys.argv[2], relativize=False).to_file(sys.argv[3], relativize=False)
