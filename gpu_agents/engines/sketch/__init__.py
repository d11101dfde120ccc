"""Drawn pictures: an illustrator's layered animatic look from camera, light, mood and the words of the prompt."""

from gpu_agents.engines.sketch.engine import SketchEngine

__all__ = ["SketchEngine"]
