"""A still under a moving camera against the same windows cut out with Lanczos filters in floating point."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gpu_agents.engines.animatic.camera import Matrix, plan_move, pose_at, window_matrix
from gpu_agents.engines.animatic.sources import FINENESS, StillSource
from gpu_agents.engines.animatic.timeline import plan_slots
from gpu_agents.media.frames import RGB_TO_YUV, Bytes, Planes, cover
from schemas.specs import Camera, FilmShot, FilmSpec

WIDTH, HEIGHT = 320, 192
FRAMES = 48


def photograph(width: int, height: int) -> Bytes:
    """Detail at every scale as photographs have it: amplitudes fall with the frequency."""
    noise = np.random.default_rng(3).standard_normal((height, width))
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    frequency[0, 0] = 1
    detail = np.fft.irfft2(np.fft.rfft2(noise) / frequency**1.2, s=(height, width))
    levels = np.clip(120 + 45 * detail / detail.std(), 0, 255)
    return np.asarray(np.repeat(levels[:, :, None], 3, axis=2), np.uint8)


def cut_out(picture: Bytes, canvas: tuple[int, int], matrix: Matrix) -> np.ndarray:
    """The luma of a window, as a film of ideal filters would show it; `matrix` refers to the picture scaled to `canvas`."""
    luma = (picture @ RGB_TO_YUV[0, :3] + RGB_TO_YUV[0, 3]).astype(np.float32)
    across, down = picture.shape[1] / canvas[0], picture.shape[0] / canvas[1]
    step = matrix[0, 0]
    left, top = ((place + 0.5 - step / 2) * scale for place, scale in zip(matrix[:, 2], (across, down), strict=True))
    box = (max(0.0, left), max(0.0, top), left + WIDTH * step * across, top + HEIGHT * step * down)
    inside = (*box[:2], min(box[2], picture.shape[1]), min(box[3], picture.shape[0]))
    return np.asarray(Image.fromarray(luma).resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS, box=inside))


def likeness(seen: np.ndarray, wanted: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB, without the outermost pixels."""
    difference = (seen.astype(float) - wanted)[6:-6, 6:-6]
    return float(10 * np.log10(255**2 / np.mean(difference**2)))


@pytest.mark.parametrize("size", [(400, 240), (1000, 600)])
@pytest.mark.parametrize("camera", ["static", "pan", "zoom"])
def test_frames_are_sharp_and_move_evenly(tmp_path: Path, camera: Camera, size: tuple[int, int]) -> None:
    picture, path = photograph(*size), tmp_path / "still.png"
    Image.fromarray(picture).save(path)
    shot = FilmShot(shot_id="a", duration=FRAMES / 24, still_stage="a", camera=camera)
    spec = FilmSpec(shots=[shot], width=WIDTH, height=HEIGHT, fps=24)
    source = StillSource(path, shot, plan_slots(spec)[0], spec)
    move = plan_move(camera, shot.duration, spec.seed, 0)
    density = FINENESS * (move.start.zoom * move.end.zoom) ** 0.5
    sides = [int(-(-side * density // 2)) * 2 for side in (WIDTH, HEIGHT)]
    height, width = cover(picture, sides[0], sides[1]).shape[:2]
    spatial, temporal = list[float](), list[float]()
    before: tuple[np.ndarray, np.ndarray] | None = None
    for frame in range(FRAMES):
        out = Planes(WIDTH, HEIGHT)
        source.paint(frame, out)
        pose = pose_at(move, frame / (FRAMES - 1), frame / 24)
        matrix = window_matrix(pose, (width // 2 * 2, height // 2 * 2), (WIDTH, HEIGHT), density)
        wanted = cut_out(picture, (width, height), matrix)
        spatial.append(likeness(out.y, wanted))
        if before:
            temporal.append(likeness(out.y - before[0], wanted - before[1]))
        before = out.y.astype(float), wanted
    assert min(spatial) > 40
    assert min(temporal) > 38  # what changes from frame to frame; a jump by a pixel leaves 25 dB
