"""`python -m infra.cli` is `storyreel`; the detached stack is started this way."""

from infra.cli import main

if __name__ == "__main__":
    main()
