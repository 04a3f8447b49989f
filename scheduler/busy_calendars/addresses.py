"""Addresses of calendars: as people paste them, as they are fetched, and which of them lie in the internet.

Users enter them, and one may be aimed at our own network. Nothing is asked here: `fetching.py` does.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from dataclasses import dataclass, replace
from urllib.parse import SplitResult, quote, unquote, urlsplit

from scheduler.busy_calendars import CalendarProblem

LONGEST_ADDRESS = 2000
_PORTS = {"https": 443, "http": 80}
_SAFE = "/%:@!$&'()*+,;=~-._?"
_SCHEMES = {"webcal": "https", "webcals": "https"}
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+(%[a-z0-9]+)?")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True)
class Target:
    """Where a request goes. `host` is in ASCII."""

    scheme: str
    host: str
    port: int
    path: str
    authorization: str | None

    def without_secrets(self) -> Target:
        """Whoever sends us on does not get a password sent to somebody else."""
        return replace(self, authorization=None)

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port

    @property
    def netloc(self) -> str:
        """As it stands in an address: the usual port goes without saying."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def is_allowed_by(self, hosts: frozenset[str]) -> bool:
        """Whether the settings name this host: by itself for the usual ports, else with its port."""
        usual = self.port in _PORTS.values() and self.host in hosts
        return usual or f"{self.host}:{self.port}" in hosts


def normal_address(text: str, allowed_hosts: frozenset[str] = frozenset()) -> tuple[str, str]:
    """An address as somebody typed or pasted it, as it is fetched; and its host. Raises CalendarProblem."""
    typed = text.strip()
    if not typed.isprintable() or " " in typed or len(typed) > LONGEST_ADDRESS:
        raise CalendarProblem("unknown_host")
    scheme, between, rest = typed.partition("://")
    if not between:
        scheme, rest = "https", typed
    scheme = _SCHEMES.get(scheme.lower(), scheme.lower())
    target = target_of(f"{scheme}://{rest.partition('#')[0]}", allowed_hosts)
    log_in, at, _ = rest.partition("/")[0].rpartition("@")
    return f"{target.scheme}://{log_in}{at}{target.netloc}{target.path}", target.host


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet, also behind what wraps an IPv4 address into an IPv6 one."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if found.is_site_local:
            return False  # given up long ago, and still in use in some networks
    return found.is_global and not found.is_multicast and not found.is_reserved


def target_of(url: str, allowed_hosts: frozenset[str]) -> Target:
    """Where a request for this address goes. Raises CalendarProblem where it may not be asked for at all."""
    try:
        parts = urlsplit(url)
        scheme = _SCHEMES.get(parts.scheme, parts.scheme)
        host = (parts.hostname or "").rstrip(".")
        host = host if ":" in host else host.encode("idna").decode()
        port = parts.port if parts.port is not None else _PORTS.get(scheme, 0)
    except ValueError as error:  # what it says may hold the address
        raise CalendarProblem("unknown_host") from error
    path = quote(parts.path or "/", safe=_SAFE) + (f"?{quote(parts.query, safe=_SAFE)}" if parts.query else "")
    target = Target(scheme, host, port, path, _authorization(parts))
    if scheme != "https" and not (scheme == "http" and target.is_allowed_by(allowed_hosts)):
        raise CalendarProblem("not_https")
    if not _HOST.fullmatch(host):
        raise CalendarProblem("unknown_host")
    return target


def _authorization(parts: SplitResult) -> str | None:
    if not parts.username:
        return None
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"
