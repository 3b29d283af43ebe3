"""竞价: one lot, live. Rules (the law), the referee in Valkey, what each audience sees, the desk that takes bids.

Knows no case, no organisation and no page: aliases, prices in fen, time.
"""
