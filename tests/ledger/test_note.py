"""Signed notes as C2SP has them; the key file is ours alone and only grows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ledger import keys, note
from ledger.note import BadNote, Checkpoint, Signer, VerifierKey

# From the C2SP specification of signed notes (and golang.org/x/mod/sumdb/note).
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS_NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_the_note_of_the_specification_is_good() -> None:
    assert note.opened(PETERS_NOTE, note.read_key(PETER)).startswith("If you think")
    assert str(note.read_key(PETER)) == PETER


@pytest.mark.parametrize(
    "spoilt",
    [
        PETERS_NOTE.replace("answer", "Answer"),
        PETERS_NOTE.replace("x08go/ZJ", "x08go/ZK"),
        PETERS_NOTE.replace("JnAM=", "JnAN="),
        PETERS_NOTE.replace("— Peter", "- Peter"),
        PETERS_NOTE.replace("\n\n", "\n"),
        PETERS_NOTE.replace("PeterNeumann", "Peter"),
        PETERS_NOTE[:-1],
        "",
    ],
)
def test_a_note_changed_anywhere_is_refused(spoilt: str) -> None:
    with pytest.raises(BadNote):
        note.opened(spoilt, note.read_key(PETER))


def test_a_checkpoint_comes_back_as_it_was_signed() -> None:
    signer = Signer(bytes(32))
    made = Checkpoint("yangcai.example/lots/1", 7, bytes(range(32)))
    signed = signer.sign(made.text(), made.origin)
    assert note.read_checkpoint(note.opened(signed, VerifierKey(made.origin, signer.public))) == made
    with pytest.raises(BadNote):
        note.opened(signed, VerifierKey(made.origin, Signer(bytes(31) + b"1").public))
    for wrong in ("a\n07\n" + note.packed(bytes(32)) + "\n", "a\n7\nAAAA\n", "a\n7\n", made.text() + "more\n"):
        with pytest.raises(BadNote):
            note.read_checkpoint(wrong)


@pytest.mark.parametrize("wrong", ["", "a", "a+00000000+AQ==", PETER.replace("c74f", "c74e"), PETER + "A"])
def test_a_verifier_key_written_wrong_is_refused(wrong: str) -> None:
    with pytest.raises(BadNote):
        note.read_key(wrong)


def test_processes_that_start_together_have_one_key(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "transcript.keys"
    with ThreadPoolExecutor(8) as many:
        found = {key.public for one in many.map(lambda _: keys.load(path), range(16)) for key in one}
    assert len(found) == 1
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_rotated_key_stands_behind_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "transcript.keys"
    old = keys.load(path)[0].public
    new = keys.rotate(path).public
    assert [key.public for key in keys.load(path)] == [old, new]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_key_that_others_may_read_or_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "transcript.keys"
    keys.load(path)
    path.chmod(0o644)
    with pytest.raises(keys.KeyFileError):
        keys.load(path)
    path.chmod(0o600)
    path.write_text("no key\n")
    with pytest.raises(keys.KeyFileError):
        keys.load(path)
