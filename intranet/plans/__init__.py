"""采购计划: what a unit means to buy, how, and from which indicators; approved by its head, then carried out by a case.

The plan's money is frozen lot by lot when its case is approved, the saving given back at the award, the rest consumed
at the contract.
"""
