"""代理机构库: agencies as they file themselves, checked and published by finance at home, chosen freely by purchasers.

Chosen among the published that are not banned, never drawn (财库〔2018〕2号); what they ran, and how well.
"""
