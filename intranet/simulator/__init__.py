"""财政系统模拟器: a fiscal system for tests and demonstrations, with a store of its own and faults on demand.

It is another party: it shares nothing with the platform but the messages, their keys and their form.
"""
