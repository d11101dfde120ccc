"""The same person in every picture: IdentityNet and an identity adapter on a pipeline of diffusers (Wang et al., 2024)."""

from gpu_agents.engines.instantid.engine import InstantIdEngine

__all__ = ["InstantIdEngine"]
