"""From checked bodies to request records. Pure: ids, time, keys and looked-up entities come in as arguments."""
