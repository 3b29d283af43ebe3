"""演示: made-up organisations, accounts and auctions that keep moving. Never in production.

``people`` writes organisations and accounts, ``cases`` the auctions, ``life`` is the process that keeps one of each
kind alive and bids through real sockets.
"""
