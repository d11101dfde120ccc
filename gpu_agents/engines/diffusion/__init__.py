"""Engines that run diffusion models: pictures, clips, larger pictures. torch is imported at the first render, not before."""

from gpu_agents.engines.diffusion.engine import DiffusersEngine
from gpu_agents.engines.diffusion.upscale import UpscaleEngine
from gpu_agents.engines.diffusion.video import DiffusersVideoEngine

__all__ = ["DiffusersEngine", "DiffusersVideoEngine", "UpscaleEngine"]
