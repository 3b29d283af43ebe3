"""权限中心: who manages which organisations and people, who gives whom which right and out of which of his own.

``rules`` says what may be given, ``giving`` and ``organising`` do it, ``who`` answers who may do what, and why.
"""
