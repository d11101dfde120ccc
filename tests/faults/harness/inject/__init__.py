"""How each kind of fault is done to a running stack."""
