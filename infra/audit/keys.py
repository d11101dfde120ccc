"""The key that signs checkpoints, and the public keys that check them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from infra.audit.notes import Keys, key_id
from infra.keystore.secret_files import load_or_create_secret
from infra.settings import Settings
from schemas.errors import ConfigurationError

FILE = "checkpoint-signing-key"
_BYTES = 32


def signing_key(settings: Settings) -> Ed25519PrivateKey:
    """The private key in the secrets folder (0600), made at the first call. Raises `ConfigurationError` if it is damaged."""
    return Ed25519PrivateKey.from_private_bytes(load_or_create_secret(settings.secrets_dir, FILE, _BYTES))


def public_pem(key: Ed25519PublicKey) -> str:
    """The key as PEM text (SubjectPublicKeyInfo)."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def read_public_key(path: Path) -> Ed25519PublicKey:
    """A public key from a PEM file. Raises `ConfigurationError`."""
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(f"{path}: no public key in PEM: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigurationError(f"{path}: the key is not of Ed25519")
    return key


def known_keys(settings: Settings, files: Iterable[Path]) -> Keys:
    """The keys that may have signed: those in the files, else this host's own if it has one."""
    keys = [read_public_key(path) for path in files]
    if not keys and (settings.secrets_dir / FILE).exists():
        keys = [signing_key(settings).public_key()]
    return {key_id(key): key for key in keys}
