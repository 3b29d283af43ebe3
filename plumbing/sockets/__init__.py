"""The live sockets of a process: who may open one, what is heard and written on it, and who is still there.

Bytes only; what they mean is the business of the doors. See docs/decisions/0010.
"""
