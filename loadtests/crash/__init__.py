"""故障试验: the running product is killed, cut from power, filled up and misled while real clients bid.

Every round's history, as the clients lived it, is held against the log and the settlement; every fault has a weaker
setting or a spoilt history beside it that must be found out. Clients know the product by its doors alone.
"""
