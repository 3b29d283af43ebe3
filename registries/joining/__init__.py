"""入驻: suppliers, agencies and experts register themselves; the administrator of their place lets them in or not.

Until then they may sign in, and do nothing. ``operations`` does it, ``pages`` are its doors.
"""
