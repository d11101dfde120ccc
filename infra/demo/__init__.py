"""The demo: a script goes through the public API like any client's and comes back as a film."""
