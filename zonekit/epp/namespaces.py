"""The namespaces of EPP, as their schemas name them."""

from __future__ import annotations

from typing import Final

EPP: Final = "urn:ietf:params:xml:ns:epp-1.0"
"""RFC 5730."""
DOMAIN: Final = "urn:ietf:params:xml:ns:domain-1.0"
"""RFC 5731."""
HOST: Final = "urn:ietf:params:xml:ns:host-1.0"
"""RFC 5732."""
SECDNS: Final = "urn:ietf:params:xml:ns:secDNS-1.1"
"""RFC 5910."""
SECDNS_OLD: Final = "urn:ietf:params:xml:ns:secDNS-1.0"
"""RFC 4310, which RFC 5910 replaced: known by name alone."""
KEYRELAY: Final = "urn:ietf:params:xml:ns:keyrelay-1.0"
"""RFC 8063."""
TRANSFER: Final = "urn:zonekit:transfer-1.0"
"""What the registry-facilitated flow needs and no RFC gives a frame for: see :mod:`zonekit.epp.offers`."""
