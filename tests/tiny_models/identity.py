"""InstantID in small: an IdentityNet and an identity adapter that fit a tiny pipeline, in the formats of the real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import ControlNetModel, UNet2DConditionModel
from safetensors.torch import save_file

from tests.tiny_models.faces import NUMBERS
from tests.tiny_models.parts import seeded

TOKENS = 4
HIDDEN = 64  # heads of 64, as the real one


def build_identity_net(folder: Path, pipeline: Path) -> Path:
    """A ControlNet of the pipeline's UNet whose last layers are not zero, so that it is seen to act."""
    seeded(5)
    unet = UNet2DConditionModel.from_pretrained(pipeline / "unet")
    network = ControlNetModel.from_unet(unet)
    for block in [*network.controlnet_down_blocks, network.controlnet_mid_block]:
        torch.nn.init.normal_(block.weight, std=0.5)
    torch.nn.init.normal_(network.controlnet_cond_embedding.conv_out.weight, std=0.5)
    network.save_pretrained(folder, safe_serialization=True)
    return folder


def build_identity_adapter(folder: Path, pipeline: Path) -> Path:
    """Resampler and attention weights under the names of InstantID's own file, as safetensors."""
    seeded(6)
    unet = UNet2DConditionModel.from_pretrained(pipeline / "unet")
    width = unet.config.cross_attention_dim
    weights: dict[str, Any] = {
        "image_proj.latents": torch.randn(1, TOKENS, HIDDEN),
        **_linear("image_proj.proj_in", HIDDEN, NUMBERS),
        **_linear("image_proj.proj_out", width, HIDDEN),
        **_norm("image_proj.norm_out", width),
    }
    for layer in range(4):
        name = f"image_proj.layers.{layer}"
        weights |= _norm(f"{name}.0.norm1", HIDDEN) | _norm(f"{name}.0.norm2", HIDDEN) | _norm(f"{name}.1.0", HIDDEN)
        weights[f"{name}.0.to_q.weight"] = torch.randn(64, HIDDEN) / 8
        weights[f"{name}.0.to_kv.weight"] = torch.randn(128, HIDDEN) / 8
        weights[f"{name}.0.to_out.weight"] = torch.randn(HIDDEN, 64) / 8
        weights[f"{name}.1.1.weight"] = torch.randn(4 * HIDDEN, HIDDEN) / 8
        weights[f"{name}.1.3.weight"] = torch.randn(HIDDEN, 4 * HIDDEN) / 16
    for number, size in enumerate(_cross_attention(unet)):
        for part in ("k", "v"):
            weights[f"ip_adapter.{2 * number + 1}.to_{part}_ip.weight"] = torch.randn(size, width) / width**0.5
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / "ip-adapter.safetensors")
    return folder


def _cross_attention(unet: Any) -> list[int]:
    """Widths of the cross-attention layers in the order of the UNet's processors."""
    names = [name.removesuffix(".processor") for name in unet.attn_processors if "attn2" in name]
    return [unet.get_submodule(name).to_k.weight.shape[0] for name in names]


def _linear(name: str, to: int, of: int) -> dict[str, Any]:
    return {f"{name}.weight": torch.randn(to, of) / of**0.5, f"{name}.bias": torch.zeros(to)}


def _norm(name: str, width: int) -> dict[str, Any]:
    return {f"{name}.weight": torch.ones(width), f"{name}.bias": torch.zeros(width)}
