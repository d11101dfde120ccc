"""Tiny random models of the real architectures: saved in the real formats, loaded by the real code, seconds to run."""
