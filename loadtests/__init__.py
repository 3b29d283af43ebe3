"""回放与压测: recorded auctions and made-up crowds, played against a running server from the outside.

Nothing here imports a room: what these clients know of the product is its documented doors.
"""
