"""监管: what looks on from outside the trading rooms and takes no part in them.

``watchman`` 旁路审计 keeps a second copy of the audit trail under other administrators, compares, warns and can bar.
"""
