"""Engines from elsewhere, for tests: one that is a whole package, one that casts made persons, some that are broken."""
