from __future__ import annotations

import base64
import datetime as dt
import ssl
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from api.webhooks.signing import secret_text, signed_headers
from api.webhooks.transport import ForbiddenAddressError, Resolve, checked_addresses, open_poster
from api.webhooks.urls import parse_target
from tests.unit.api.webhooks.receiver import receiving, verify

NAME = "hooks.example.com"


def stands_for(*answers: str) -> Resolve:
    """A name that stands for the first address, then for the next, ..."""
    left = list(answers)

    async def look_up(_host: str, _port: int) -> list[str]:
        return [left.pop(0) if len(left) > 1 else left[0]]

    return look_up


def contexts(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS of a server that is NAME, and of a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    chain = folder / "server.pem"
    chain.write_bytes(private + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain)
    return server, ssl.create_default_context(cadata=pem.decode())


async def test_a_message_arrives_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    old, new = b"o" * 32, b"n" * 32
    async with receiving() as receiver, open_poster(allow_private=True) as poster:
        target = parse_target(f"http://127.0.0.1:{receiver.port}/in?a=b", allow_private=True)
        answer = await poster.post(
            target, b'{"x":1}', signed_headers("evt_1", int(time.time()), b'{"x":1}', [new, old])
        )
    assert answer.delivered
    [got] = receiver.got
    assert (got.path, got.body) == ("/in?a=b", b'{"x":1}')
    for secret in (old, new):
        assert verify(secret_text(secret), got.headers, got.body, time.time()) == "evt_1"
    with pytest.raises(AssertionError):
        verify(secret_text(b"x" * 32), got.headers, got.body, time.time())


def test_the_signature_is_that_of_the_specification() -> None:
    # The example of the specification's reference libraries.
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signed_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', [secret])
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("answer", [302, 400, 410, 500, 503])
async def test_only_success_counts_and_no_redirect_is_followed(answer: int) -> None:
    async with receiving() as receiver, open_poster(allow_private=True) as poster:
        where = f"http://127.0.0.1:{receiver.port}/elsewhere"
        raw = f"HTTP/1.1 {answer} X\r\nLocation: {where}\r\nContent-Length: 0\r\n\r\n".encode()
        receiver.answer = lambda _: raw
        told = await poster.post(parse_target(where, allow_private=True), b"", {})
        assert (told.status, told.delivered) == (answer, False)
        assert len(receiver.got) == 1


async def test_a_name_that_changes_its_address_after_the_registration_is_not_called() -> None:
    async with receiving() as receiver:
        for inside in ("127.0.0.1", "::ffff:127.0.0.1", "10.0.0.1", "169.254.169.254"):
            look_up = stands_for("93.184.216.34", inside)
            assert await checked_addresses(NAME, receiver.port, look_up, allow_private=False)
            async with open_poster(allow_private=False, look_up=look_up) as poster:
                told = await poster.post(parse_target(f"https://{NAME}:{receiver.port}/"), b"", {})
            assert told.status is None
            assert "address" in told.error
        assert receiver.got == []


async def test_one_inner_address_among_public_ones_is_enough_to_refuse() -> None:
    async def look_up(_host: str, _port: int) -> list[str]:
        return ["93.184.216.34", "10.0.0.1"]

    with pytest.raises(ForbiddenAddressError):
        await checked_addresses(NAME, 443, look_up, allow_private=False)


async def test_the_judged_address_is_connected_to_and_the_certificate_is_the_names(tmp_path: Path) -> None:
    server, client = contexts(tmp_path)
    look_up = stands_for("127.0.0.1")
    async with (
        receiving(server) as receiver,
        open_poster(allow_private=True, look_up=look_up, context=client) as poster,
    ):
        assert (await poster.post(parse_target(f"https://{NAME}:{receiver.port}/"), b"x", {})).delivered
        other = await poster.post(parse_target(f"https://other.example.com:{receiver.port}/"), b"x", {})
    assert receiver.got[0].headers["host"] == f"{NAME}:{receiver.port}"
    assert other.status is None
    assert len(receiver.got) == 1


async def test_an_endless_answer_costs_nothing_and_silence_has_an_end() -> None:
    async with receiving() as receiver, open_poster(allow_private=True, total_timeout=1.0) as poster:
        target = parse_target(f"http://127.0.0.1:{receiver.port}/", allow_private=True)
        receiver.answer = lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n" + bytes(1_000_000)
        assert (await poster.post(target, b"", {})).delivered
        receiver.answer = lambda _: b"HTTP/1.1 200 OK\r\nX-Slow: "
        silent = await poster.post(target, b"", {})
        assert silent.status is None
        assert "1 s" in silent.error
        receiver.answer = lambda _: b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 1_000_000
        assert (await poster.post(target, b"", {})).status is None


async def test_nobody_there_is_an_answer_too() -> None:
    async with open_poster(allow_private=True) as poster:
        told = await poster.post(parse_target("http://127.0.0.1:9/", allow_private=True), b"", {})
    assert told.status is None
    assert told.error
