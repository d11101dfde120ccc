"""What a body names must exist and be the caller's: characters, assets, storyboards. Every miss is a bad field."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from api.bodies.videos import Scene
from api.errors import invalid
from api.planning.entities import asset_id_of
from api.reads import Reads
from api.rules import BadField
from api.sealing import AccountSeal
from api.views.entities import character_ref, draft_of
from schemas.ids import is_id
from schemas.specs import CharacterRef, StoryboardDraft


class Lookup:
    """Collects what is missing over all lookups of one body; `check` then names everything at once."""

    def __init__(self, reads: Reads, account_id: str, seal: AccountSeal) -> None:
        self._reads, self._account_id, self._seal = reads, account_id, seal
        self._known: dict[str, CharacterRef | str] = {}
        self._bad: list[BadField] = []

    def check(self) -> None:
        """Raise a 400 if anything was missing."""
        if self._bad:
            raise invalid(*self._bad)

    async def character(self, field: str, character_id: str) -> CharacterRef | None:
        """A ready character, asked for once however many fields name it."""
        found = self._known.get(character_id)
        if found is None:
            found = self._known[character_id] = await self._character(character_id)
        if isinstance(found, CharacterRef):
            return found
        self._bad.append(BadField(field, found))
        return None

    async def characters(self, field: str, ids: Sequence[str], *, indexed: bool = True) -> dict[str, CharacterRef]:
        """Several ready characters by id."""
        found = {}
        for number, character_id in enumerate(ids):
            character = await self.character(f"{field}[{number}]" if indexed else field, character_id)
            if character is not None:
                found[character_id] = character
        return found

    async def scene_characters(self, scenes: Sequence[Scene]) -> dict[str, CharacterRef]:
        """The characters that scenes name."""
        found = {}
        for number, scene in enumerate(scenes):
            if scene.character_id is not None:
                character = await self.character(f"scenes[{number}].character_id", scene.character_id)
                if character is not None:
                    found[scene.character_id] = character
        return found

    async def scene_pictures(self, scenes: Sequence[Scene], shot_ids: Sequence[str]) -> dict[str, str]:
        """Object keys by shot id of the pictures that take the place of drawing a shot."""
        keys = {}
        for number, (scene, shot_id) in enumerate(zip(scenes, shot_ids, strict=True)):
            if scene.image_path is not None:
                key = await self._asset_key(scene.image_path)
                if key is None:
                    self._bad.append(BadField(f"scenes[{number}].image_path", "own_asset"))
                else:
                    keys[shot_id] = key
        return keys

    async def storyboard(self, storyboard_id: str) -> StoryboardDraft | None:
        """The draft of a finished storyboard."""
        row = await self._reads.storyboard(self._account_id, storyboard_id)
        if row is None:
            self._bad.append(BadField("storyboard_id", "own_storyboard"))
            return None
        try:
            return draft_of(row, self._seal)
        except msgspec.ValidationError:
            self._bad.append(BadField("storyboard_id", "own_storyboard"))
            return None

    async def _asset_key(self, text: str) -> str | None:
        asset_id = asset_id_of(text, self._account_id)
        row = await self._reads.asset(self._account_id, asset_id) if is_id(asset_id) else None
        if row is None:
            return None
        key = str(self._seal.open(row.sealed, "asset")["key"])
        return key if text in {key, asset_id} else None

    async def _character(self, character_id: str) -> CharacterRef | str:
        row = await self._reads.character(self._account_id, character_id)
        if row is None:
            return "own_character"
        if row.status == "ready":
            return character_ref(row, self._seal)
        return "character_failed" if row.status == "failed" else "character_ready"
