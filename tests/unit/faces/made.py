"""Photos of made persons under other light, at other places, before other backgrounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from gpu_agents.engines.insightface.pack import LICENCE, VARIABLE
from gpu_agents.faces.face import Bgr
from tests.tiny_models.faces import FACE, SEARCHED, in_a_picture, made_face

SAME = 0.7  # cosine that tells the made persons apart


def accepting(patch: pytest.MonkeyPatch, pack: Path) -> None:
    """Set what the pack needs to be used."""
    patch.setenv(VARIABLE, str(pack))
    patch.setenv(LICENCE, pack.name)


def photo(person: int, number: int) -> Image.Image:
    """Photo `number` of a person; 0 to 2 serve as references, the others are held out."""
    chance = np.random.default_rng(7 * number + 1)

    def colour() -> tuple[int, int, int]:
        red, green, blue = (int(value) for value in chance.integers(95, 165, 3))
        return red, green, blue

    x, y = (int(value) for value in chance.integers(0, SEARCHED - FACE, 2))
    picture = in_a_picture((made_face(person, backdrop=colour()), (x, y)), backdrop=colour())
    lit = ImageEnhance.Brightness(picture).enhance(float(chance.uniform(0.75, 1.15)))
    return lit.filter(ImageFilter.GaussianBlur(float(chance.uniform(0, 1.2))))


def bgr(picture: Image.Image) -> Bgr:
    """As encoders read it."""
    return np.asarray(picture.convert("RGB"))[..., ::-1].copy()
