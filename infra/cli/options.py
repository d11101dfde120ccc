"""Parameters that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

DATA = Path(".storyreel")

DataOption = Annotated[Path, Parameter(name="--data", help="Data folder of the stack.")]
ReasonOption = Annotated[str, Parameter(name="--reason", help="Why, for the log.")]
JsonOption = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON for programs.")]
