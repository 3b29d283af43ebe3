"""存证: the append-only log of a lot, and what proves it to strangers.

``prelude.lua`` gives every live room its clock, its gap-free append and its outbox; ``log`` names the keys and reads
the log back. ``tree`` is the Merkle tree over a log, ``note`` the signed heads of it, ``keys`` who signs.
"""
