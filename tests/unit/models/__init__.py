"""Tests of the registry of models, of the rules for their files, and of the cache."""
