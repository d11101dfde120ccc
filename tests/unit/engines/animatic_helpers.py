"""Films of the assembly engine `animatic`, and what is seen in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import psutil

from gpu_agents.engines.animatic import AnimaticEngine
from gpu_agents.engines.base import RenderContext, RenderOutput
from schemas.specs import FilmShot, FilmSpec

RED, GREEN, BLUE = (170, 60, 60), (60, 160, 60), (60, 70, 180)
LINE = "雨夜的上海，霓虹灯在积水里闪烁。"
SIZE = (640, 384)


def shot(still: str, duration: float = 1.2, **fields: Any) -> FilmShot:
    values: dict[str, Any] = {"shot_id": still, "duration": duration, "still_stage": still, "camera": "pan", **fields}
    return FilmShot(**values)


def film(*shots: FilmShot, **fields: Any) -> FilmSpec:
    values: dict[str, Any] = {"shots": list(shots), "width": SIZE[0], "height": SIZE[1], "language": "zh", **fields}
    return FilmSpec(**values)


def render(folder: Path, spec: FilmSpec, inputs: dict[str, Path], **hooks: Any) -> RenderOutput:
    folder.mkdir(exist_ok=True)
    return AnimaticEngine().render(spec, RenderContext(folder, inputs, **hooks))


def main(output: RenderOutput) -> Path:
    return next(file.path for file in output.files if file.role == "main")


def ffmpegs() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if "ffmpeg" in child.name()]


def colour(frame: np.ndarray, part: slice = slice(None)) -> np.ndarray:
    return np.asarray(frame[60:200, part].reshape(-1, 3).mean(axis=0))
