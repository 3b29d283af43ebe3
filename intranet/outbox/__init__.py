"""发报: what a fiscal system outside is told of results, contracts, acceptances, payments and warnings.

Written in the transaction of what it tells, numbered without a gap once that stands, sent in order until answered.
"""
