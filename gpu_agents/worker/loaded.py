"""Which engines find their models in the render child's memory, learnt from what the child tells while it works."""

from __future__ import annotations

from gpu_agents.child.protocol import ModelTold


class LoadedModels:
    """An engine counts when every model that its last job used is still there; engines without models never do."""

    def __init__(self) -> None:
        self._engine = ""
        self._used: dict[str, set[str]] = {}
        self._held: set[str] = set()

    def begin(self, engine: str) -> None:
        """A job of this engine starts: the models told from now on are its."""
        self._engine = engine
        self._used[engine] = set()

    def told(self, event: ModelTold) -> None:
        """Take over what the child, or the agent about its end, told."""
        match event.kind:
            case "loaded" | "hit":
                self._held.add(event.model)
                self._used.setdefault(self._engine, set()).add(event.model)
            case "evicted":
                self._held.discard(event.model)
            case "ended":
                self._held.clear()

    def engines(self) -> list[str]:
        """Names of the engines whose models are held, sorted."""
        return sorted(name for name, used in self._used.items() if used and used <= self._held)
