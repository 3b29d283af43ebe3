"""第二因素: what somebody has beside his password: an authenticator's codes, passkeys, recovery codes.

Knows how each is made, kept and checked. Who must have one is a parameter of his region (``accounts.web``).
"""
