"""格式文本: the texts of notices, confirmations and contracts, in dated versions by place.

A version is never changed; a case keeps the versions that were in force when it was drafted.
"""
