"""标准化体系: what every room agrees on, pure: ids, money, regions, categories, days, dated parameters, the deal.

Nothing here reads a clock, draws a chance or touches a file: time, chance and rows are arguments.
"""
