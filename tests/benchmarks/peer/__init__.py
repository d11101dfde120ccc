"""The usual way to build the same service: FastAPI, Celery, Redis and PostgreSQL. What the product is measured against.

Same paths, same bodies, same checks before a task is accepted, same renders with the product's null engine, same files.
What a careful operator chooses is chosen: `acks_late` with `reject_on_worker_lost`, one transaction for task and quota,
PostgreSQL as the truth of a task's state, no result backend, uvloop and httptools, keys cached for a few seconds, an
append-only file that is synced every second (Kafka's default is weaker: it leaves syncing to the system).
It stays easier on itself in three things: nothing is sealed, no history is kept, and a process that dies between
commit and enqueue leaves a task that nobody renders.
"""
