"""商品信息库: products as brand owners publish them, goods as sellers offer them, found, compared, watched.

A brand-standard product 品牌标准商品 comes from the firm that owns the brand and is reviewed; a common good 普通商品
from a seller, linked to a standard product that a person confirmed. Distinctions change the order of a list, never a
score.
"""
