"""Face descriptors without weights: 768 numbers from gradients, texture and colour of an aligned face."""

from gpu_agents.engines.descriptor.engine import DescriptorEngine

__all__ = ["DescriptorEngine"]
