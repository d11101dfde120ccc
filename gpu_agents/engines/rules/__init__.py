"""Script engine `rules`: plain prose and Fountain screenplays, Chinese and English, to storyboards without any model."""

from __future__ import annotations

from gpu_agents.engines.rules.engine import RulesEngine

__all__ = ["RulesEngine"]
