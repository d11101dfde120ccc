"""Schedulers by the names people use, as classes of diffusers with their options."""

from __future__ import annotations

from typing import Any

from schemas.errors import ConfigurationError

KARRAS = {"use_karras_sigmas": True}
SCHEDULERS: dict[str, tuple[str, dict[str, Any]]] = {
    "ddim": ("DDIMScheduler", {}),
    "ddpm": ("DDPMScheduler", {}),
    "pndm": ("PNDMScheduler", {}),
    "lms": ("LMSDiscreteScheduler", {}),
    "euler": ("EulerDiscreteScheduler", {}),
    "euler_karras": ("EulerDiscreteScheduler", KARRAS),
    "euler_a": ("EulerAncestralDiscreteScheduler", {}),
    "heun": ("HeunDiscreteScheduler", {}),
    "dpmpp_2m": ("DPMSolverMultistepScheduler", {}),
    "dpmpp_2m_karras": ("DPMSolverMultistepScheduler", KARRAS),
    "dpmpp_2m_sde": ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}),
    "dpmpp_sde": ("DPMSolverSinglestepScheduler", {}),
    "unipc": ("UniPCMultistepScheduler", {}),
    "lcm": ("LCMScheduler", {}),
    "flow_euler": ("FlowMatchEulerDiscreteScheduler", {}),
    "flow_heun": ("FlowMatchHeunDiscreteScheduler", {}),
}


def set_scheduler(pipeline: Any, name: str) -> None:
    """Give a pipeline another scheduler that keeps the noise levels the model was trained with; "" keeps its own.

    Raises `ConfigurationError` for an unknown name and for one that the pipeline cannot use.
    """
    if not name:
        return
    if name not in SCHEDULERS:
        raise ConfigurationError(f"scheduler: {name!r} is unknown; there are: {', '.join(SCHEDULERS)}")
    import diffusers

    kind, options = SCHEDULERS[name]
    flows = "FlowMatch" in type(pipeline.scheduler).__name__
    if flows != ("FlowMatch" in kind):
        raise ConfigurationError(
            f"scheduler: {name!r} does not fit a model trained with {type(pipeline.scheduler).__name__}"
        )
    pipeline.scheduler = getattr(diffusers, kind).from_config(pipeline.scheduler.config, **options)
