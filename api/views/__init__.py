"""What clients see of rows: response bodies and how they are made."""
