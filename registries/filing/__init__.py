"""填报与审核, shared by the registries: a subject files its dossier, its home decides, every version is kept.

``model`` says what a filing is, ``book`` keeps those of one registry, ``doors`` shows and decides them.
"""
