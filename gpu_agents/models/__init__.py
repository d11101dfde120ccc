"""Models that engines run: which there are, whether their files are what they should be, and which are in memory."""
