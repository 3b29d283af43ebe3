"""供应商库: suppliers as registered, who may take part in what, who is related to whom, and what is deducted.

One registration holds province-wide and is free; it is never a condition of local origin (条例 §20).
"""
