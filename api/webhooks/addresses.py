"""Which addresses of the internet may be called. Pure; the ranges are the special-purpose registries of IANA.

Everything that is not ordinary public unicast is refused: what stands there belongs to the network this process runs in.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

REFUSED_V4: dict[IPv4Network, str] = {
    IPv4Network(network): word
    for network, word in (
        ("0.0.0.0/8", "unspecified"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared"),  # carriers; Alibaba's metadata service
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "metadata"),  # Azure's host, a public number
        ("169.254.0.0/16", "link-local"),  # the other clouds' metadata services
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "relay"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmark"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
}
PUBLIC_V6 = IPv6Network("2000::/3")
REFUSED_V6: dict[IPv6Network, str] = {
    IPv6Network("2001::/23"): "reserved",  # Teredo, ORCHID, benchmarks
    IPv6Network("2001:db8::/32"): "documentation",
    IPv6Network("2002::/16"): "relay",  # 6to4 carries any IPv4 address
    IPv6Network("3fff::/20"): "documentation",
}
NAT64 = IPv6Network("64:ff9b::/96")


def refusal(address: IPv4Address | IPv6Address) -> str | None:
    """Why the address may not be called, None for a public one. Embedded IPv4 addresses are judged as themselves."""
    if isinstance(address, IPv4Address):
        return next((word for network, word in REFUSED_V4.items() if address in network), None)
    if address.scope_id is not None:
        return "link-local"
    if address.ipv4_mapped is not None:
        return refusal(address.ipv4_mapped)
    if address in NAT64:
        return refusal(IPv4Address(int(address) & 0xFFFFFFFF))
    if address not in PUBLIC_V6:
        return "private"
    return next((word for network, word in REFUSED_V6.items() if address in network), None)
