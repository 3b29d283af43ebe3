"""The Merkle tree of RFC 6962 默克尔树, pure: leaf and node hashes, a growing root, inclusion and consistency proofs.

A hash is 32 bytes of SHA-256. A tree is given by the hashes of its leaves in order; the root of none is the hash of
nothing. Three prefixes keep leaves, inner nodes and commitments apart, so that none can be passed off as another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

EMPTY = sha256(b"").digest()
SALT_BYTES = 16


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf 叶子哈希 (RFC 6962 §2.1)."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


def commit(salt: bytes, value: bytes) -> bytes:
    """A commitment 承诺 to ``value``: tells nothing of it without ``salt`` (16 bytes), and nothing else opens it."""
    return sha256(b"\x02" + salt + value).digest()


class Frontier:
    """A tree that grows by one leaf at a time and keeps only the roots of its whole subtrees, largest first."""

    __slots__ = ("_peaks", "size")

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self.size = 0
        self._peaks: list[bytes] = []
        for leaf in leaves:
            self.add(leaf)

    @classmethod
    def grown(cls, size: int, peaks: Sequence[bytes]) -> Frontier:
        """The tree of ``size`` leaves as ``peaks`` kept it. Whoever trusts it not compares the root."""
        tree = cls()
        tree.size, tree._peaks = size, list(peaks)
        return tree

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """The roots of the whole subtrees, largest first: all that is needed to go on."""
        return tuple(self._peaks)

    def add(self, leaf: bytes) -> None:
        """Append the leaf with this hash."""
        node, size = leaf, self.size
        while size & 1:
            node = node_hash(self._peaks.pop(), node)
            size >>= 1
        self._peaks.append(node)
        self.size += 1

    def root(self) -> bytes:
        """The root over all leaves so far."""
        if not self._peaks:
            return EMPTY
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over these leaf hashes."""
    return Frontier(leaves).root()


def _cut(size: int) -> int:
    """The largest power of two below ``size`` (2 or more)."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The audit path of the leaf at ``index`` (from 0), from the leaf up. Raises ``IndexError`` outside the tree."""
    if not 0 <= index < len(leaves):
        raise IndexError(index)
    if len(leaves) == 1:
        return []
    cut = _cut(len(leaves))
    if index < cut:
        return [*inclusion(leaves[:cut], index), root_of(leaves[cut:])]
    return [*inclusion(leaves[cut:], index - cut), root_of(leaves[:cut])]


def includes(root: bytes, size: int, index: int, leaf: bytes, path: Sequence[bytes]) -> bool:
    """Whether ``path`` proves that the leaf stands at ``index`` of the tree (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        return False
    fn, sn, node = index, size - 1, leaf
    for sibling in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            node = node_hash(sibling, node)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            node = node_hash(node, sibling)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and node == root


def consistency(leaves: Sequence[bytes], old: int) -> list[bytes]:
    """The proof that the tree of the first ``old`` leaves is the beginning of this one; 1 ≤ ``old`` ≤ its size."""
    if not 1 <= old <= len(leaves):
        raise IndexError(old)
    return _subproof(leaves, old, True)


def _subproof(leaves: Sequence[bytes], old: int, whole: bool) -> list[bytes]:
    if old == len(leaves):
        return [] if whole else [root_of(leaves)]
    cut = _cut(len(leaves))
    if old <= cut:
        return [*_subproof(leaves[:cut], old, whole), root_of(leaves[cut:])]
    return [*_subproof(leaves[cut:], old - cut, False), root_of(leaves[:cut])]


def consistent(old_root: bytes, old: int, root: bytes, size: int, proof: Sequence[bytes]) -> bool:
    """Whether ``proof`` shows that the tree grew from the one of ``old`` leaves (RFC 9162 §2.1.4.2)."""
    if old == size:
        return not proof and old_root == root
    if not 1 <= old < size or not proof:
        return False
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    fn, sn = old - 1, size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    first = second = path[0]
    for sibling in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            second = node_hash(second, sibling)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and first == old_root and second == root
