"""Merkle tree hashes as in RFC 6962 section 2.1, computed while leaves arrive: memory grows with the logarithm."""

from __future__ import annotations

import hashlib

_LEAF, _NODE = b"\x00", b"\x01"


class Tree:
    """Append leaves, then ask for the root. `root` of no leaves is the hash of the empty string."""

    def __init__(self) -> None:
        self.size = 0
        self._stack: list[bytes] = []  # roots of complete subtrees, the largest first

    def append(self, leaf: bytes) -> None:
        """Add the next leaf (any bytes)."""
        node = hashlib.sha256(_LEAF + leaf).digest()
        size = self.size
        while size & 1:
            node = _parent(self._stack.pop(), node)
            size >>= 1
        self._stack.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Hash of all leaves so far (32 bytes)."""
        if not self._stack:
            return hashlib.sha256(b"").digest()
        node = self._stack[-1]
        for left in reversed(self._stack[:-1]):
            node = _parent(left, node)
        return node


def _parent(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(_NODE + left + right).digest()
