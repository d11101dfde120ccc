"""Faults: what happens to the books when anything dies, repeats itself or comes late."""
