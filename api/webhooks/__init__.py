"""Events sent to addresses of the clients' choice: checked addresses, signed messages, attempts until one succeeds."""
