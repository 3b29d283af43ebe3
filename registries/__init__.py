"""登记与目录: who and what is registered: parameters, calendars and categories by place, suppliers.

Each sub-room is a registry of its own: ``parameters``, ``suppliers``.
"""
