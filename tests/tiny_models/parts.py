"""Parts that several tiny pipelines share. Weights are random from a fixed seed, so a folder's hashes do not change."""

from __future__ import annotations

from typing import Any

WIDTH = 32
VAE_CHANNELS = (8, 16, 16, 16)  # four blocks = 8 pixels a latent; fewer would make large pictures slow


def seeded(seed: int = 0) -> None:
    """Make what is built next the same every time."""
    import torch

    torch.manual_seed(seed)


def clip_text(*, projection: bool = False, hidden: int = WIDTH, layers: int = 2) -> Any:
    """CLIP's text encoder; with a projection as SDXL's second one."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=514,
        hidden_size=hidden,
        intermediate_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=4,
        projection_dim=hidden,
        bos_token_id=512,
        eos_token_id=513,
        pad_token_id=513,
    )
    return CLIPTextModelWithProjection(config) if projection else CLIPTextModel(config)


def clip_vision(image_size: int = 32) -> Any:
    """CLIP's vision encoder with a projection, as IP-Adapters use it."""
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    config = CLIPVisionConfig(
        hidden_size=WIDTH,
        intermediate_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        projection_dim=WIDTH,
        image_size=image_size,
        patch_size=8,
    )
    return CLIPVisionModelWithProjection(config)


def t5_text() -> Any:
    """T5's encoder."""
    from transformers import T5Config, T5EncoderModel

    config = T5Config(
        vocab_size=259, d_model=WIDTH, d_kv=8, d_ff=WIDTH, num_layers=1, num_heads=4, decoder_start_token_id=0
    )
    return T5EncoderModel(config)


def image_vae(latent_channels: int = 4, *, shifted: bool = False, blocks: int = 4, **changes: Any) -> Any:
    """The autoencoder of still pictures: 8 pixels a latent, half as many for every block less."""
    from diffusers import AutoencoderKL

    more: dict[str, Any] = (
        {"use_quant_conv": False, "use_post_quant_conv": False, "shift_factor": 0.06, "scaling_factor": 1.5}
        if shifted
        else {}
    )
    return AutoencoderKL(
        block_out_channels=VAE_CHANNELS[:blocks],
        in_channels=3,
        out_channels=3,
        down_block_types=["DownEncoderBlock2D"] * blocks,
        up_block_types=["UpDecoderBlock2D"] * blocks,
        latent_channels=latent_channels,
        norm_num_groups=4,
        layers_per_block=1,
        sample_size=512,
        **(more | changes),
    )


def unet(**changes: Any) -> Any:
    """The denoiser of Stable Diffusion 1.5, two blocks of 32 and 64 channels."""
    from diffusers import UNet2DConditionModel

    values: dict[str, Any] = {
        "block_out_channels": (32, 64),
        "layers_per_block": 1,
        "sample_size": 64,
        "in_channels": 4,
        "out_channels": 4,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "cross_attention_dim": WIDTH,
        "attention_head_dim": 4,
        "norm_num_groups": 8,
    }
    return UNet2DConditionModel(**(values | changes))
