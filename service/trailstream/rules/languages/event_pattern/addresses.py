"""Operators on IP addresses, as event-ruler's ``CIDR`` has them: which texts are addresses, and ranges of them."""

from __future__ import annotations

import ipaddress
import re
from typing import Any, TypeAlias

from trailstream.rules.documents import At
from trailstream.rules.languages.event_pattern.texts import string_argument, text_predicate
from trailstream.rules.predicate import Predicate
from trailstream.rules.rule import RuleSyntaxError

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_IPV4 = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+\Z")
_IPV6 = re.compile(r"[0-9a-fA-F:]*:[0-9a-fA-F:]*\Z")
_MASK_BITS = re.compile(r"[+-]?[0-9]{1,9}\Z")


def is_ipv6(text: str) -> bool:
    """Say whether event-ruler compares a text as an address: two spellings of one IPv6 address are equal then."""
    return _IPV6.match(text) is not None and _address(text) is not None


def ipv6_predicate(value: str) -> Predicate:
    """Return equality of addresses, and of texts."""
    address = _address(value)
    return text_predicate(f'is "{value}"', lambda found: found == value or _address(found) == address)


def cidr(argument: Any, at: At) -> Predicate:
    """Return the predicate of ``{"cidr": "10.0.0.0/8"}``."""
    text = string_argument(argument, "prefix", at)  # event-ruler says "prefix" here too
    parts = text.rstrip("/").split("/")  # Java's split drops what is empty at the end
    if len(parts) != 2:  # noqa: PLR2004 -- an address and its bits
        raise RuleSyntaxError("Malformed CIDR, one '/' required", at=at)
    bits, base = _mask_bits(parts[1], at), _base(parts[0], at)
    if bits >= base.max_prefixlen:
        raise RuleSyntaxError(
            f"IPv{base.version} mask bits must be < {base.max_prefixlen}",
            at=at,
            remedy=f'write the address alone: "{parts[0]}"',
        )
    network = ipaddress.ip_network(f"{base}/{bits}", strict=False)
    return text_predicate(f"in {text}", lambda found: (inside := _address(found)) is not None and inside in network)


def alone(block: str) -> str | None:
    """Return the address of a block of one, ``10.0.0.1/32``, which EventBridge refuses; None for other text."""
    text, _, bits = block.partition("/")
    address = _address(text)
    return text if address is not None and bits == str(address.max_prefixlen) else None


def _mask_bits(text: str, at: At) -> int:
    if not _MASK_BITS.match(text):
        raise RuleSyntaxError("Malformed CIDR, mask bits must be an integer", at=at)
    if (bits := int(text)) < 0:
        raise RuleSyntaxError("Malformed CIDR, mask bits must not be negative", at=at)
    return bits


def _base(text: str, at: At) -> Address:
    if not (_IPV4.match(text) or _IPV6.match(text)):
        raise RuleSyntaxError(f"Nonstandard IP address: {text}", at=at)
    if (base := _address(text)) is None:
        raise RuleSyntaxError(f"Invalid IP address: {text}", at=at)
    return base


def _address(text: str) -> Address | None:
    """Return the address that Java's ``InetAddress`` reads: octets are decimal, and a mapped address is an IPv4 one."""
    try:
        if _IPV4.match(text):
            return ipaddress.IPv4Address(".".join(octet.lstrip("0") or "0" for octet in text.split(".")))
        if _IPV6.match(text):
            address = ipaddress.IPv6Address(text)
            return address.ipv4_mapped or address
    except ValueError:
        pass
    return None
