from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.webhooks.addresses import NAT64, REFUSED_V4, REFUSED_V6, refusal
from api.webhooks.urls import Target, UrlError, parse_target

V4 = st.ip_addresses(v=4)
REFUSED = st.sampled_from(list(REFUSED_V4)).flatmap(lambda network: st.ip_addresses(network=network))
REFUSED_SIX = st.sampled_from(list(REFUSED_V6)).flatmap(lambda network: st.ip_addresses(network=network))


@given(st.one_of(V4, st.ip_addresses(v=6), st.ip_addresses(network="2000::/3")))
def test_only_what_is_globally_reachable_may_be_called(address: IPv4Address | IPv6Address) -> None:
    if refusal(address) is None and not (isinstance(address, IPv6Address) and address in NAT64):
        assert address.is_global
        assert not address.is_multicast


@given(st.one_of(REFUSED, REFUSED_SIX))
def test_every_refused_range_is_refused_to_its_ends(address: IPv4Address | IPv6Address) -> None:
    assert refusal(address) is not None


@given(V4)
def test_an_embedded_address_is_judged_as_itself(address: IPv4Address) -> None:
    mapped = IPv6Address(f"::ffff:{address}")
    nat64 = IPv6Address(int(NAT64.network_address) | int(address))
    assert refusal(mapped) == refusal(nat64) == refusal(address)


@given(st.ip_addresses(network="2600::/12"))
def test_ordinary_addresses_are_open(address: IPv6Address) -> None:
    assert refusal(address) is None
    assert refusal(IPv4Address("93.184.216.34")) is None


@pytest.mark.parametrize(
    "text",
    [
        "169.254.169.254",  # AWS, Google, Azure, Oracle
        "100.100.100.200",  # Alibaba
        "192.0.0.192",  # Oracle's old one
        "168.63.129.16",
        "fd00:ec2::254",
        "fe80::1%eth0",
        "::",
        "::1",
        "::127.0.0.1",
        "64:ff9b:1::7f00:1",
        "fec0::1",
        "ff02::1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "255.255.255.255",
    ],
)
def test_well_known_traps(text: str) -> None:
    address = IPv6Address(text) if ":" in text else IPv4Address(text)
    assert refusal(address) is not None


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://hooks.example.com", Target("https", "hooks.example.com", 443, "/")),
        ("https://Hooks.Example.com:8443/a/b?c=d&e", Target("https", "hooks.example.com", 8443, "/a/b?c=d&e")),
        ("https://93.184.216.34/x", Target("https", "93.184.216.34", 443, "/x")),
        ("https://[2606:2800:220:1::1]:1024/", Target("https", "2606:2800:220:1::1", 1024, "/")),
        ("https://xn--fiqs8s.example/?q", Target("https", "xn--fiqs8s.example", 443, "/?q")),
    ],
)
def test_public_https_is_taken(url: str, target: Target) -> None:
    assert parse_target(url) == target


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "gopher://hooks.example.com:6379/_",
        "//hooks.example.com/",
        "hooks.example.com",
        "https://",
        "https:///path",
        "https://user@hooks.example.com/",
        "https://user:pass@hooks.example.com/",
        "https://hooks.example.com@127.0.0.1/",
        "https://hooks.example.com#@evil.example/",
        "https://hooks.example.com/#part",
        "https://hooks.example.com\\@127.0.0.1/",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/\r\nX-Evil: 1",
        "https://hooks.example.com/\x00",
        "https://例子.example/",
        "https://hooks.example.com:22/",
        "https://hooks.example.com:80/",
        "https://hooks.example.com:0/",
        "https://hooks.example.com:99999/",
        "https://hooks.example.com:x/",
        "https://localhost/",
        "https://api.localhost/",
        "https://metadata.google.internal/",
        "https://printer.local/",
        "https://intranet/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://0/",
        "https://0.0.0.0/",
        "https://10.1.2.3/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[fe80::1%25eth0]/",
        "https://[::1/",
        "https://１２７.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://hooks..example.com/",
        "https://-hooks.example.com/",
        "https://hooks.example.com/" + "a" * 2048,
    ],
)
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(UrlError):
        parse_target(url)


def test_for_development_hosts_of_ones_own_are_open() -> None:
    assert parse_target("http://127.0.0.1:81/", allow_private=True) == Target("http", "127.0.0.1", 81, "/")
    assert parse_target("http://localhost/", allow_private=True).authority == "localhost"
    for url in ("ftp://localhost/", "http://user@localhost/", "http:///"):
        with pytest.raises(UrlError):
            parse_target(url, allow_private=True)
