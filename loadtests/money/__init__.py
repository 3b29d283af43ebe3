"""额度风暴: a thousand rooms at one indicator at once, killed in the middle; their books and the budget must agree."""
