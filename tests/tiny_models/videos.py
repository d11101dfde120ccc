"""Tiny video pipelines: SVD, LTX and Wan begin with a picture, AnimateDiff with words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.tiny_models.parts import WIDTH, clip_text, clip_vision, image_vae, seeded, t5_text, unet
from tests.tiny_models.tokenizers import clip_tokenizer, t5_tokenizer


def build_svd(folder: Path) -> Path:
    """Stable Video Diffusion of at most 5 frames."""
    from diffusers import (
        AutoencoderKLTemporalDecoder,
        EulerDiscreteScheduler,
        StableVideoDiffusionPipeline,
        UNetSpatioTemporalConditionModel,
    )
    from transformers import CLIPImageProcessorPil

    seeded()
    denoiser = UNetSpatioTemporalConditionModel(
        block_out_channels=(32, 64),
        layers_per_block=1,
        sample_size=32,
        in_channels=8,
        out_channels=4,
        down_block_types=("CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"),
        up_block_types=("UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"),
        cross_attention_dim=WIDTH,
        num_attention_heads=8,
        projection_class_embeddings_input_dim=96,
        addition_time_embed_dim=32,
        num_frames=5,
    )
    autoencoder = AutoencoderKLTemporalDecoder(
        block_out_channels=(32, 32, 32, 32),  # its groups of normalisation are fixed at 32
        in_channels=3,
        out_channels=3,
        down_block_types=["DownEncoderBlock2D"] * 4,
        latent_channels=4,
        layers_per_block=1,
        sample_size=64,
    )
    scheduler = EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        timestep_spacing="leading",
        timestep_type="continuous",
        sigma_min=0.002,
        sigma_max=700.0,
        use_karras_sigmas=True,
    )
    pipeline = StableVideoDiffusionPipeline(
        vae=autoencoder,
        image_encoder=clip_vision(224),  # what the pipeline scales pictures to, whatever the encoder says
        unet=denoiser,
        scheduler=scheduler,
        feature_extractor=CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}),
    )
    return _save(pipeline, folder)


def build_ltx(folder: Path) -> Path:
    """LTX-Video; saved as text-to-video, as its own repository is."""
    from diffusers import (
        AutoencoderKLLTXVideo,
        FlowMatchEulerDiscreteScheduler,
        LTXPipeline,
        LTXVideoTransformer3DModel,
    )

    seeded()
    transformer = LTXVideoTransformer3DModel(
        in_channels=8,
        out_channels=8,
        patch_size=1,
        patch_size_t=1,
        num_attention_heads=4,
        attention_head_dim=8,
        cross_attention_dim=WIDTH,
        num_layers=1,
        caption_channels=WIDTH,
    )
    autoencoder = AutoencoderKLLTXVideo(
        in_channels=3,
        out_channels=3,
        latent_channels=8,
        block_out_channels=(8, 8, 8, 8),
        decoder_block_out_channels=(8, 8, 8, 8),
        layers_per_block=(1, 1, 1, 1, 1),
        decoder_layers_per_block=(1, 1, 1, 1, 1),
        spatio_temporal_scaling=(True, True, True, False),
        decoder_spatio_temporal_scaling=(True, True, True, False),
        decoder_inject_noise=(False, False, False, False, False),
        upsample_residual=(False, False, False, False),
        upsample_factor=(1, 1, 1, 1),
        timestep_conditioning=False,
        patch_size=4,
        patch_size_t=1,
        encoder_causal=True,
        decoder_causal=False,
    )
    pipeline = LTXPipeline(
        transformer=transformer,
        vae=autoencoder,
        scheduler=FlowMatchEulerDiscreteScheduler(),
        text_encoder=t5_text(),
        tokenizer=t5_tokenizer(),
    )
    return _save(pipeline, folder)


def build_wan(folder: Path) -> Path:
    """Wan 2.1, image to video."""
    from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanImageToVideoPipeline, WanTransformer3DModel
    from transformers import CLIPImageProcessorPil, UMT5Config, UMT5EncoderModel

    seeded()
    latent_channels = 16
    transformer = WanTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=2 * latent_channels + 4,
        out_channels=latent_channels,
        text_dim=WIDTH,
        freq_dim=64,
        ffn_dim=WIDTH,
        num_layers=2,
        cross_attn_norm=True,
        qk_norm="rms_norm_across_heads",
        rope_max_seq_len=64,
        image_dim=WIDTH,
    )
    words = UMT5Config(vocab_size=259, d_model=WIDTH, d_kv=8, d_ff=WIDTH, num_layers=1, num_heads=4)
    pipeline = WanImageToVideoPipeline(
        transformer=transformer,
        vae=AutoencoderKLWan(base_dim=3, z_dim=latent_channels, dim_mult=[1, 1, 1, 1], num_res_blocks=1),
        scheduler=UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0),
        text_encoder=UMT5EncoderModel(words),
        tokenizer=t5_tokenizer(),
        image_encoder=clip_vision(32),
        image_processor=CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}),
    )
    return _save(pipeline, folder)


def build_animatediff(folder: Path) -> Path:
    """AnimateDiff on a tiny Stable Diffusion 1.5."""
    from diffusers import AnimateDiffPipeline, DDIMScheduler

    pipeline = AnimateDiffPipeline(
        vae=_seeded_vae(),
        text_encoder=clip_text(),
        tokenizer=clip_tokenizer(folder / "tokenizer"),
        unet=unet(),
        motion_adapter=_motion(),
        scheduler=DDIMScheduler(beta_schedule="linear", clip_sample=False),
    )
    return _save(pipeline, folder)


def build_motion_adapter(folder: Path) -> Path:
    """The motion modules alone, to be used with any Stable Diffusion 1.5."""
    seeded(9)
    _motion().save_pretrained(str(folder), safe_serialization=True)
    return folder


def _motion() -> Any:
    from diffusers import MotionAdapter

    return MotionAdapter(
        block_out_channels=(32, 64),
        motion_layers_per_block=1,  # as many as the UNet has layers in a block
        motion_mid_block_layers_per_block=1,
        motion_num_attention_heads=2,
        motion_norm_num_groups=2,
        motion_max_seq_length=24,
    )


def _seeded_vae() -> Any:
    seeded()
    return image_vae()


def _save(pipeline: Any, folder: Path) -> Path:
    pipeline.save_pretrained(str(folder), safe_serialization=True)
    return folder
