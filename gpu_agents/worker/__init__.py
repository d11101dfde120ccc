"""The agent of one device: holds the lease of a slot, runs its commands in the render child and reports the outcomes."""
