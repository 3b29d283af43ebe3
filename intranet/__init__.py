"""内网: the fiscal intranet. Budget indicators and their ledger, plans, reservations of money for the trading rooms.

No room takes money otherwise than by ``budget.holds``: reserve, reduce, confirm or release, each named by a request.
"""
