"""在线询价·电子反拍: the engine of lots.

A purchaser opens lots, suppliers bid down live, each lot closes exactly once and ends in one ``Deal``.
Postgres rules a lot until it opens and again from settlement on; Valkey rules it between.

Floors of its own, imports going down: ``doors`` → ``practice`` → ``case`` → ``transcript`` → ``sealed`` → ``lot``.
"""
