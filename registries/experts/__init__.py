"""评审专家库: experts as registered and reviewed, and the draw 抽取 that nobody can choose and anybody can recompute.

``draw`` is the law of the draw (docs/expert-draw.md), ``rules`` say who must stay away; both pure. ``library`` keeps
the experts, ``drawing`` makes a draw, ``calling`` calls, replaces, opens and tells; the pages are ``ownpages``,
``listpages``, ``drawpages``.
"""
