"""Read models derived from the whole log at bulk speed, beside the live ones, which go on.

Folds, writers and cursors are those of the live path; only where rows are kept meanwhile differs (`store`): a chunk of the
log is folded in memory and goes to PostgreSQL by COPY, in one transaction with the position after it (`fold`). A killed run
is therefore taken up at its last chunk.

Why the swap (`swap`) loses and doubles nothing while processes of the read models write:

1. Every live transaction locks its partition's row in `projection_cursors` first, and holds at least ROW SHARE on that table
   to its end. The swap takes ACCESS EXCLUSIVE on the table: it waits for those that have begun, and those that come later
   wait for it holding nothing. Between the two nobody writes to the old schema, so nobody's rows are lost with it.
2. Under that lock the cursors of the old schema are final. The new schema is folded on to them, and only then renamed; it is
   behind in no partition, so no reader sees rows go back.
3. Who waited looks the table up again when the lock is granted: PostgreSQL resolves names anew after a wait, and a rename of
   a schema invalidates every prepared plan. It locks the new schema's cursor row, in the same transaction that its rows are
   for, and compares: records the new cursor holds are skipped, a record further on is a gap and is refilled from the new cursor.
   So each record is folded into the new schema once: by the rebuild up to the cursor, by the live writer from there on.
4. The other tables are locked before the rename, too: a statement that has found one table in the old schema finds all there.
   Readers with a snapshot of their own (`dump`, `compare`) lock what they read at their start.
5. Rows, cursors and rename are PostgreSQL's alone. A kill at any moment leaves either the old schema in place and the new one
   to be taken up, or the new one in place and the old one to be dropped.
"""
