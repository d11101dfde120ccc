"""The tables of deliveries, in schema `ops` of PostgreSQL."""

from __future__ import annotations

LOCK = 0x686F6F6B73  # "hooks"; one process at a time makes the schema
MAKE = """
CREATE SCHEMA IF NOT EXISTS ops;
CREATE TABLE IF NOT EXISTS ops.webhook_place (
    shard     integer PRIMARY KEY,
    topic_id  text    NOT NULL DEFAULT '',  -- which log the place is in
    shard_seq bigint  NOT NULL DEFAULT 0    -- events up to here have their deliveries
);
INSERT INTO ops.webhook_place (shard) VALUES (0) ON CONFLICT DO NOTHING;
CREATE TABLE IF NOT EXISTS ops.webhook_deliveries (
    delivery_id  text        PRIMARY KEY,
    account_id   text        NOT NULL,
    webhook_id   text        NOT NULL,
    task_id      text        NOT NULL,
    account_seq  bigint      NOT NULL,
    type         text        NOT NULL,
    state        text        NOT NULL DEFAULT 'pending',
    attempts     integer     NOT NULL DEFAULT 0,
    next_attempt timestamptz,
    leased_until timestamptz,
    status       integer,
    error        text        NOT NULL DEFAULT '',
    took_ms      integer     NOT NULL DEFAULT 0,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS webhook_deliveries_due ON ops.webhook_deliveries (next_attempt) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS webhook_deliveries_listed
    ON ops.webhook_deliveries (account_id, webhook_id, created_at DESC, delivery_id DESC);
"""
