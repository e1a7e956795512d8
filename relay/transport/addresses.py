"""Which addresses the relay may connect to: not into the machine or network it runs in, unless allowed."""

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

from relay.errors import DeliveryError

Resolve = Callable[[str, int], Sequence[Any]]  # as socket.getaddrinfo, of which only the address is used

NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in the last 32 bits
REFUSED = "a private address; set allow_private if that is meant"


def resolve(host: str, port: int) -> Sequence[Any]:
    """All stream addresses of the name."""
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


def is_public(address: str) -> bool:
    """Whether anybody could reach it: not loopback, private, link-local (metadata services), reserved."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    inner = _inner(parsed) if isinstance(parsed, IPv6Address) else None
    return all(each.is_global and not each.is_multicast for each in (parsed, inner) if each)


def _inner(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address leads to."""
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    if address.teredo:
        return address.teredo[1]
    return address.ipv4_mapped or address.sixtofour


def addresses_of(host: str, port: int, allow_private: bool, look_up: Resolve = resolve) -> tuple[str, ...]:
    """The addresses of a host that may be connected to. DeliveryError when there are none."""
    found = tuple(dict.fromkeys(str(entry[4][0]) for entry in look_up(host, port)))
    allowed = found if allow_private else tuple(filter(is_public, found))
    if found and not allowed:
        raise DeliveryError(f"{host} is {REFUSED}", permanent=True)
    return allowed


def refuse_private_literal(host: str) -> None:
    """Refuses what needs no look-up to be known as private; a proxy would look names up itself."""
    try:
        ip_address(host)
    except ValueError:
        is_private = host.rstrip(".").lower() == "localhost" or host.lower().rstrip(".").endswith(
            ".localhost"
        )
    else:
        is_private = not is_public(host)
    if is_private:
        raise DeliveryError(f"{host} is {REFUSED}", permanent=True)
