"""Handlers by resource: authenticate, check, ask, answer. Rules live elsewhere."""
