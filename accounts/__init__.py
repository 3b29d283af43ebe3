"""用户与权限: people, their organisations, their roles (岗位), their sessions, and the trail they leave (审计).

Knows who somebody is and what he may do where. Knows nothing of auctions.
"""
