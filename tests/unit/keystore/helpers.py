"""Keys, data to seal, and a second process at the same keystore."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

from hypothesis import strategies as st

from infra.keystore import DataKey
from schemas.purposes import aad

KEK = bytes(range(32))
ALICE = DataKey("alice", b"a" * 32)
BOB = DataKey("bob", b"a" * 32)  # the same secret, so that only the account differs
SHOT_AAD = aad("alice", "spec")
TEXT = st.text(max_size=60)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def second_process(path: Path, code: str) -> subprocess.Popen[str]:
    """Another Python process with the same keystore open as `keystore`; it talks by lines."""
    head = f"""
        from pathlib import Path
        from infra.keystore import *
        keystore = SqliteKeystore(Path({str(path)!r}), bytes(range(32)))
    """
    program = textwrap.dedent(head) + textwrap.dedent(code)
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-u", "-c", program], stdin=pipe, stdout=pipe, stderr=pipe, text=True)
