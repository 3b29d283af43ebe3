"""The same auction as others teach it: Django Channels with channels_redis, and python-socketio.

Same clients, same Valkey with the same durability, rules in one Lua call per bid; no sign-in, no limits, no audit.
"""
