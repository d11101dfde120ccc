"""Read models kept up to date by Faust agents, one a topic.

Faust carries records, nothing more: positions and idempotence are PostgreSQL's (see `projections.apply`), because its own
guarantees do not hold (a handler that raises is acknowledged, uncommitted records are read, in-flight ones passed over).
"""
