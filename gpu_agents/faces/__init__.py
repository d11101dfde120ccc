"""Faces: found, aligned, judged and turned into vectors by one of several encoders, each with a vector space of its own."""
