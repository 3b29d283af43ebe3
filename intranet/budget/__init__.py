"""预算指标: what a unit may spend, from which fund, and where every fen of it stands.

An indicator's balances move only by postings, which are never changed; each names both of its sides.
"""
