"""What the extra `gpu` brings."""

from __future__ import annotations

import importlib.util

from schemas.errors import ConfigurationError

NEEDED = ("torch", "diffusers", "transformers", "peft", "accelerate", "safetensors")


def insist_on_libraries() -> None:
    """Raises `ConfigurationError` unless the extra is installed; imports nothing."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigurationError(f"{', '.join(missing)} is not installed; install storyreel[gpu] (make install-gpu)")
