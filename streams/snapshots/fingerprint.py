"""Which fold made a state: a snapshot of another one is refused, because the log would be folded otherwise today."""

from __future__ import annotations

import hashlib
from pathlib import Path

from streams import domain, ledger

FORMAT = 1


def _fold_fingerprint() -> str:
    digest = hashlib.sha256(str(FORMAT).encode())
    folder = Path(domain.__file__).parent
    for path in [*sorted(folder.glob("*.py")), Path(ledger.__file__)]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


# SHA-256 (hex) over format number and source of the rules and the ledger's numbering, of the code that was loaded. Any
# change of the rules counts, even one that would not matter: folding the log anew is right in every case.
FOLD = _fold_fingerprint()
