"""项目: the life of a case in Postgres, from the draft to the contract, around the minutes in which its lots are live.

Every operation is one function in one transaction; `records` holds the tables.
"""
