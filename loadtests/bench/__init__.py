"""性能预算: the product measured against raw floors on the same machine, in the same rounds, and held to its budgets.

``command`` is the entry; ``scenarios/`` holds what is measured, one module each; the README explains the figures.
"""
