"""Photos in forms: decoded, and stored once everything about the request is known to be right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from api.deps import Deps
from api.forms import Form
from api.rules import BadField
from api.uploads import Picture

MAX_PHOTOS = 10


def uploads_folder(deps: Deps) -> Path:
    """Where uploads lie while a request is answered: on the disk of the data, as /tmp may be memory."""
    return deps.settings.data_dir / "scratch" / "uploads"


async def form_photos(form: Form, deps: Deps, name: str = "photos") -> tuple[list[Picture], list[BadField]]:
    """The decoded photos of a form in their order, and everything that is wrong with them and its other parts."""
    bad = list(form.bad)
    if not form.files(name) and not any(item.field.startswith(name) for item in bad):
        bad.append(BadField(name, "required"))
    found = [await deps.pictures.decode(upload) for upload in form.files(name)]
    bad += [item for item in found if isinstance(item, BadField)]
    return [item for item in found if isinstance(item, Picture)], bad


async def store_photos(deps: Deps, keys: Sequence[str], pictures: Sequence[Picture]) -> None:
    """Put re-encoded photos under their keys."""
    for key, picture in zip(keys, pictures, strict=True):
        await deps.pictures.store(deps.store, key, picture)
