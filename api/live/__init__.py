"""What the API learns from the log while it runs: decisions, recent tasks, streams."""
