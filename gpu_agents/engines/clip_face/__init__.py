"""Faces by the picture encoder of a CLIP-type model: at most 768 numbers a face."""

from gpu_agents.engines.clip_face.engine import ClipFaceEngine

__all__ = ["ClipFaceEngine"]
