"""Tiny text-to-image pipelines, one of each family, and the adapters of Stable Diffusion 1.5."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.tiny_models.parts import WIDTH, clip_text, clip_vision, image_vae, seeded, t5_text, unet
from tests.tiny_models.tokenizers import clip_tokenizer, t5_tokenizer


def build_sd15(folder: Path) -> Path:
    """Stable Diffusion 1.5: CLIP, UNet, autoencoder, DDIM."""
    from diffusers import DDIMScheduler, StableDiffusionPipeline

    seeded()
    scheduler = DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )
    pipeline = StableDiffusionPipeline(
        vae=image_vae(),
        text_encoder=clip_text(),
        tokenizer=clip_tokenizer(folder / "tokenizer"),
        unet=unet(),
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    return _save(pipeline, folder)


def build_sdxl(folder: Path) -> Path:
    """SDXL: two CLIP encoders, a UNet with the sizes as added conditions."""
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline

    seeded()
    size_condition = 8
    denoiser = unet(
        cross_attention_dim=2 * WIDTH,
        attention_head_dim=(2, 4),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=size_condition,
        transformer_layers_per_block=(1, 2),
        projection_class_embeddings_input_dim=6 * size_condition + WIDTH,
    )
    pipeline = StableDiffusionXLPipeline(
        vae=image_vae(),
        text_encoder=clip_text(),
        text_encoder_2=clip_text(projection=True),
        tokenizer=clip_tokenizer(folder / "tokenizer"),
        tokenizer_2=clip_tokenizer(folder / "tokenizer_2"),
        unet=denoiser,
        scheduler=EulerDiscreteScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1
        ),
    )
    return _save(pipeline, folder)


def build_sd3(folder: Path) -> Path:
    """Stable Diffusion 3: two CLIP encoders, T5, a transformer, flow matching."""
    from diffusers import FlowMatchEulerDiscreteScheduler, SD3Transformer2DModel, StableDiffusion3Pipeline

    seeded()
    transformer = SD3Transformer2DModel(
        sample_size=64,
        patch_size=2,
        in_channels=4,
        num_layers=1,
        attention_head_dim=8,
        num_attention_heads=4,
        joint_attention_dim=2 * WIDTH,
        caption_projection_dim=WIDTH,
        pooled_projection_dim=2 * WIDTH,
        out_channels=4,
        pos_embed_max_size=96,
    )
    pipeline = StableDiffusion3Pipeline(
        transformer=transformer,
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=image_vae(shifted=True),
        text_encoder=clip_text(projection=True),
        text_encoder_2=clip_text(projection=True),
        text_encoder_3=_wide_t5(),
        tokenizer=clip_tokenizer(folder / "tokenizer"),
        tokenizer_2=clip_tokenizer(folder / "tokenizer_2"),
        tokenizer_3=t5_tokenizer(),
    )
    return _save(pipeline, folder)


def build_flux(folder: Path) -> Path:
    """Flux: CLIP for the whole, T5 for the words, a transformer over packed latents."""
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel

    seeded()
    transformer = FluxTransformer2DModel(
        patch_size=1,
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=WIDTH,
        pooled_projection_dim=WIDTH,
        guidance_embeds=True,
        axes_dims_rope=(4, 4, 8),
    )
    pipeline = FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True),
        vae=image_vae(shifted=True),
        text_encoder=clip_text(),
        tokenizer=clip_tokenizer(folder / "tokenizer"),
        text_encoder_2=t5_text(),
        tokenizer_2=t5_tokenizer(),
        transformer=transformer,
    )
    return _save(pipeline, folder)


def build_x4_upscaler(folder: Path) -> Path:
    """Stable Diffusion's upscaler: it reads the small picture beside the latents and makes it four times as large."""
    from diffusers import DDIMScheduler, DDPMScheduler, StableDiffusionUpscalePipeline

    seeded(3)
    beta: dict[str, Any] = {"beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "scaled_linear"}
    pipeline = StableDiffusionUpscalePipeline(
        vae=image_vae(blocks=3, scaling_factor=0.08333),
        text_encoder=clip_text(),
        tokenizer=clip_tokenizer(folder / "tokenizer"),
        unet=unet(in_channels=7, num_class_embeds=1000),
        low_res_scheduler=DDPMScheduler(**beta),
        scheduler=DDIMScheduler(**beta, prediction_type="v_prediction", clip_sample=False),
        max_noise_level=350,
    )
    return _save(pipeline, folder)


def build_sd15_lora(folder: Path, rank: int = 4) -> Path:
    """A LoRA of Stable Diffusion 1.5's attention, strong enough to be seen."""
    import torch
    from safetensors.torch import save_file

    chance = torch.Generator().manual_seed(5)
    weights = {}
    for name, module in unet().named_modules():
        if name.endswith(("attn1.to_q", "attn1.to_v", "attn2.to_q", "attn2.to_v")):
            out_size, in_size = module.weight.shape
            weights[f"unet.{name}.lora.down.weight"] = torch.randn(rank, in_size, generator=chance)
            weights[f"unet.{name}.lora.up.weight"] = torch.randn(out_size, rank, generator=chance)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / "pytorch_lora_weights.safetensors")
    return folder


def build_sd15_ip_adapter(folder: Path) -> Path:
    """An IP-Adapter of Stable Diffusion 1.5 with its vision encoder."""
    import torch
    from safetensors.torch import save_file
    from transformers import CLIPImageProcessorPil

    seeded(7)
    tokens = 4
    weights = {
        "image_proj.proj.weight": torch.randn(tokens * WIDTH, WIDTH) * 0.5,
        "image_proj.proj.bias": torch.zeros(tokens * WIDTH),
        "image_proj.norm.weight": torch.ones(WIDTH),
        "image_proj.norm.bias": torch.zeros(WIDTH),
    }
    cross = [name for name in unet().attn_processors if "attn2" in name]
    model = unet()
    for number, name in enumerate(cross):
        attention = model.get_submodule(name.removesuffix(".processor"))
        size = attention.to_k.weight.shape[0]
        for part in ("k", "v"):
            weights[f"ip_adapter.{2 * number + 1}.to_{part}_ip.weight"] = torch.randn(size, WIDTH)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / "ip_adapter.safetensors")
    clip_vision().save_pretrained(str(folder / "image_encoder"))
    processor = CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    processor.save_pretrained(str(folder / "feature_extractor"))
    return folder


def _wide_t5() -> Any:
    """T5 as wide as the two CLIP encoders together, which SD3 joins along the words."""
    from transformers import T5Config, T5EncoderModel

    config = T5Config(
        vocab_size=259, d_model=2 * WIDTH, d_kv=8, d_ff=WIDTH, num_layers=1, num_heads=4, decoder_start_token_id=0
    )
    return T5EncoderModel(config)


def _save(pipeline: Any, folder: Path) -> Path:
    pipeline.save_pretrained(str(folder), safe_serialization=True)
    return folder
