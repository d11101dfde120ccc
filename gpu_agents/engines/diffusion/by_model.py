"""What the engines share that run a model of the registry."""

from __future__ import annotations


class ByModel:
    """An engine that runs the default model of its kind until `use_model` names another."""

    def __init__(self) -> None:
        self._model = ""

    def use_model(self, name: str) -> None:
        """Run this model of the registry instead of the default one."""
        self._model = name
