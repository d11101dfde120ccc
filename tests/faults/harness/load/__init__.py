"""Clients of every kind at once, who remember all they were told."""
