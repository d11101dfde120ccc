"""A standing check by sample that rows are what the log says: a window of the log is folded again and compared."""
