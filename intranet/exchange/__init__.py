"""数据交换: what a fiscal system outside tells us, signed and in order, and the daily reconciliation with its own book.

Every message is taken once: sent again it gets the answer it had, with a gap before it it waits for the missing one.
"""
