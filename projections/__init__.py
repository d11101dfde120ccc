"""Read side: pure folds of events into rows, the PostgreSQL tables they live in, queries and the rebuild."""
