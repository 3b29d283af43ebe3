"""公务用车库: quotas, controlled purchase, and one record a vehicle, with all that happens to it.

Each part has its owner: the quota office sets quotas, finance approves and clears alerts, units ask and dispatch, the
fixed points record what they did. Nothing beyond a quota is bought.
"""
