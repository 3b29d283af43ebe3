"""接口密钥: programs of organisations come in with a key, for one person, within some of his acts.

A key is 256 random bits, shown once and kept as its SHA-256. Nothing that a person must decide himself is done by one.
"""
