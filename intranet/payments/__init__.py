"""支付: applications against a contract, in instalments never above it; the treasury's vouchers and returns.

The handler files, the head approves (the money is under way), the fiscal system is told and answers.
"""
