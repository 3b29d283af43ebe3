"""参数管理: the parameters, work calendars and categories of each place, as they were and will be in force.

A change is dated from a coming day on and never touches the past; a case keeps the set it began with.
"""
