"""Faces by a model pack of insightface: an SCRFD detector and an ArcFace recogniser, 512 numbers a face."""

from gpu_agents.engines.insightface.engine import InsightFaceEngine

__all__ = ["InsightFaceEngine"]
