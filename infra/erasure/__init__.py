"""Erasing an account: the log says so first, then key and objects are destroyed; whatever is left is done by the next run."""
