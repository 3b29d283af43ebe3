"""年终结转: the close of a place's year, looked at before, proposed by one person of finance and done by another.

Promises go on with next year's indicators; what is free goes on with them or back. It cannot be undone.
"""
