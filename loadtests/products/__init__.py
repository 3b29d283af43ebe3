"""Figures of the product registry on recorded goods: same-product pairs with known answers, two months of prices."""
