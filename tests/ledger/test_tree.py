"""The Merkle tree against RFC 6962's own vectors, and against the definition written out."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from ledger import tree

# The eight leaves and roots that Certificate Transparency's reference implementation is tested with.
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
HASHES = [tree.leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES]


def naive(leaves: list[bytes]) -> bytes:
    """RFC 6962 §2.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + naive(leaves[:k]) + naive(leaves[k:])).digest()


def test_the_roots_are_those_of_certificate_transparency() -> None:
    assert [tree.root_of(HASHES[:size]).hex() for size in range(1, 9)] == ROOTS
    assert tree.root_of([]) == sha256(b"").digest()


@given(st.integers(0, 300))
def test_the_growing_root_is_the_root_by_definition(size: int) -> None:
    leaves = [tree.leaf_hash(str(n).encode()) for n in range(size)]
    assert tree.Frontier(leaves).root() == naive(leaves)


@given(st.integers(1, 130), st.data())
def test_a_leaf_is_proved_where_it_stands_and_nowhere_else(size: int, data: st.DataObject) -> None:
    leaves = [tree.leaf_hash(str(n).encode()) for n in range(size)]
    index, other = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size - 1))
    path, root = tree.inclusion(leaves, index), tree.root_of(leaves)
    assert tree.includes(root, size, index, leaves[index], path)
    assert tree.includes(root, size, other, leaves[index], path) == (other == index)
    assert not tree.includes(root, size, index, tree.leaf_hash(b"another"), path)
    assert not tree.includes(root, size, index, leaves[index], [*path, root])


@given(st.integers(1, 130), st.data())
def test_a_tree_is_proved_to_have_grown_from_its_beginning_only(size: int, data: st.DataObject) -> None:
    leaves = [tree.leaf_hash(str(n).encode()) for n in range(size)]
    old = data.draw(st.integers(1, size))
    proof, root, before = tree.consistency(leaves, old), tree.root_of(leaves), tree.root_of(leaves[:old])
    assert tree.consistent(before, old, root, size, proof)
    forged = tree.root_of([*leaves[: old - 1], tree.leaf_hash(b"another")])
    assert not tree.consistent(forged, old, root, size, proof)


def test_leaf_node_and_commitment_of_the_same_bytes_are_three_things() -> None:
    left, right = HASHES[0], HASHES[1]
    assert len({tree.leaf_hash(left + right), tree.node_hash(left, right), tree.commit(left, right)}) == 3
