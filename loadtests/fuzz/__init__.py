"""乱入试验: what no client should send, by the million, while a bidder bids through it all. ``./dev fuzz``."""
