"""Auditing the log: is every record of the ledger where and what it was when it was written, and was it legal.

Everything but `reading`, `sealing` and `telling` is pure: records in, findings out.
"""
