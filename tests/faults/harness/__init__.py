"""A real stack, a mixed load, faults in an order that follows from a seed, and the judgement."""
