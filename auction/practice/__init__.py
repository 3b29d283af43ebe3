"""模拟竞价: practice auctions by the same engine and law, which can never become a result.

Opened through the API with tickets (`opening`), or by a supplier for himself (`rehearsal`).
"""
