"""Engines that run diffusion models: pictures, clips, larger pictures. torch is imported at the first render, not before."""

from gpu_agents.engines.diffusion.engine import DiffusersEngine

__all__ = ["DiffusersEngine"]
