"""数据元: the data elements of the standard, and requests to extend them 基础数据扩展申请.

A purchaser, an agency or a finance department asks, the operator of the platform decides; nobody decides his own.
"""
