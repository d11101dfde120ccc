"""What is fetched of a repository: every part once, in one precision, and never a pickle."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_agents.models.formats import check_name
from gpu_agents.models.selection import needed, variant_of
from schemas.errors import ConfigurationError

PIPELINE = [
    "model_index.json",
    "README.md",
    "cover.png",
    "everything.safetensors",
    "text_encoder/config.json",
    "text_encoder/model.safetensors",
    "text_encoder/model.fp16.safetensors",
    "text_encoder/pytorch_model.bin",
    "unet/config.json",
    "unet/diffusion_pytorch_model-00001-of-00002.safetensors",
    "unet/diffusion_pytorch_model-00002-of-00002.safetensors",
    "unet/diffusion_pytorch_model.fp16-00001-of-00001.safetensors",
    "unet/diffusion_pytorch_model.non_ema.safetensors",
    "unet/model.onnx",
    "vae/config.json",
    "vae/diffusion_pytorch_model.safetensors",
    "scheduler/scheduler_config.json",
]


def weights(names: list[str], variant: str = "") -> list[str]:
    return [name for name in needed(names, variant) if name.endswith((".safetensors", ".onnx"))]


def test_a_pipeline_is_fetched_once_and_plain() -> None:
    assert weights(PIPELINE) == [
        "text_encoder/model.safetensors",
        "unet/diffusion_pytorch_model-00001-of-00002.safetensors",
        "unet/diffusion_pytorch_model-00002-of-00002.safetensors",
        "vae/diffusion_pytorch_model.safetensors",
    ]
    texts = [name for name in PIPELINE if name.endswith((".json", ".md"))]
    assert [name for name in needed(PIPELINE) if not name.endswith(".safetensors")] == texts


def test_a_variant_is_fetched_where_there_is_one() -> None:
    assert weights(PIPELINE, "fp16") == [
        "text_encoder/model.fp16.safetensors",
        "unet/diffusion_pytorch_model.fp16-00001-of-00001.safetensors",
        "vae/diffusion_pytorch_model.safetensors",
    ]


def test_single_files_count_where_there_is_no_pipeline() -> None:
    assert weights(["ink.v2.safetensors", "paint.safetensors", "paint.bin"]) == [
        "ink.v2.safetensors",
        "paint.safetensors",
    ]
    assert weights(["scrfd.onnx", "arcface.onnx"]) == ["scrfd.onnx", "arcface.onnx"]
    assert weights(["model.safetensors", "onnx/model.onnx"]) == ["model.safetensors"]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (
            ["config.json", "a.bin", "b.ckpt", "c.pt", "d.pth"],
            r"^a\.bin, b\.ckpt, c\.pt and 1 more: \.bin files can run",
        ),
        (["config.json", "README.md"], "no safetensors or ONNX"),
        (["model_index.json", "all.safetensors"], "no safetensors or ONNX"),
        (["model.fp16.safetensors"], "a variant; name one in defaults.variant: fp16"),
        ([*PIPELINE, "clip/config.json", "clip/model.bin"], r"clip/model\.bin: \.bin files .* and clip has no others"),
    ],
)
def test_what_has_no_safe_weights_is_refused(names: list[str], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        needed(names)


def test_only_known_words_are_variants() -> None:
    names = ["model.fp16.safetensors", "m-00001-of-00002.bf16.safetensors", "sd_1.5.safetensors", "a.mine.safetensors"]
    assert [variant_of(name) for name in names] == ["fp16", "bf16", "", ""]
    assert variant_of("a.mine.safetensors", "mine") == "mine"


FOLDERS = st.sampled_from(["", "unet/", "vae/"])
NAMES = st.builds(
    "{}{}{}{}".format,
    FOLDERS,
    st.sampled_from(["model", "config", "pytorch_model-00001-of-00002"]),
    st.sampled_from(["", ".fp16", ".bf16"]),
    st.sampled_from([".safetensors", ".bin", ".json", ".onnx", ".pt", ".py", ".png"]),
)


@given(names=st.lists(NAMES, unique=True), index=st.booleans(), variant=st.sampled_from(["", "fp16"]))
def test_whatever_is_chosen_is_offered_and_safe_and_of_one_variant_a_folder(
    names: list[str], index: bool, variant: str
) -> None:
    offered = names + ["model_index.json"] * index
    try:
        chosen = needed(offered, variant)
    except ConfigurationError:
        return
    assert [name for name in offered if name in chosen] == chosen
    folders: dict[str, set[str]] = {}
    for name in chosen:
        check_name(name)
        if name.endswith(".safetensors"):
            folders.setdefault(name.rpartition("/")[0], set()).add(variant_of(name))
    assert all(len(found) == 1 and found <= {"", variant} for found in folders.values())
    assert any(name.endswith((".safetensors", ".onnx")) for name in chosen)
