"""What the picture looks like after a step: the latents, made small and decoded."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from gpu_agents.media.frames import Bytes, encode_jpeg

SIDE = 320  # px of the long side
INTERVAL = 2.0  # seconds between two previews; the agent passes on no more
PIXELS_A_LATENT = 8


class Previewer:
    """Makes a JPEG of the latents at most every `INTERVAL` seconds."""

    def __init__(self, pipeline: Any, width: int, height: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._pipeline = pipeline
        self._size = (width, height)
        self._clock = clock
        self._last = clock()

    def look(self, latents: Any) -> bytes | None:
        """A preview if its time has come and the latents can be shown, else None."""
        now = self._clock()
        if now - self._last < INTERVAL:
            return None
        picture = decode_small(self._pipeline, latents, *self._size)
        self._last = self._clock()
        return None if picture is None else encode_jpeg(picture, quality=70)


def decode_small(pipeline: Any, latents: Any, width: int, height: int) -> Bytes | None:
    """The first picture of `latents` as RGB of at most `SIDE` px, None for latents that are no plain picture."""
    import torch

    vae = getattr(pipeline, "vae", None)
    if vae is None or not hasattr(vae.config, "scaling_factor"):
        return None
    if latents.ndim == 3 and hasattr(pipeline, "_unpack_latents"):
        latents = pipeline._unpack_latents(  # noqa: SLF001 - the only way to see packed latents
            latents, height, width, pipeline.vae_scale_factor
        )
    if latents.ndim != 4 or latents.shape[1] != vae.config.latent_channels:
        return None
    with torch.no_grad():
        small = latents[:1].to(torch.float32)
        scale = min(1.0, SIDE / PIXELS_A_LATENT / max(small.shape[-2:]))
        if scale < 1:
            small = torch.nn.functional.interpolate(small, scale_factor=scale, mode="area")
        small = small / vae.config.scaling_factor + (getattr(vae.config, "shift_factor", None) or 0.0)
        pixels = vae.decode(small.to(device=vae.device, dtype=vae.dtype), return_dict=False)[0][0]
        shown = ((pixels.float().clamp(-1, 1) + 1) * 127.5).permute(1, 2, 0).cpu().numpy()
    return np.ascontiguousarray(np.nan_to_num(shown).astype(np.uint8))
