"""Pure folds: `apply_*(row | None, event) -> row`. No IO, no clock, no ids; live readers and the rebuild share them.

A row remembers the `shard_seq` of the last event it holds, so applying an event again changes nothing.
"""
