"""存证: the append-only log of a lot.

``prelude.lua`` gives every live room its clock, its gap-free append and its outbox; ``log`` names the keys and reads
the log back. The Merkle tree, checkpoints and receipts join this room with the transcript.
"""
