"""Sample scripts and reference pictures of the demonstration films."""
