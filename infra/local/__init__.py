"""The local stack: Kafka, schema registry, PostgreSQL and the product's processes on one machine, without containers."""
