"""What all tests share: properties are judged by what they say, not by how fast a busy machine was."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("storyreel", deadline=None, print_blob=True)
settings.load_profile("storyreel")
