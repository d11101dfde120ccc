"""Which processes a restart takes, and in which order."""

from __future__ import annotations

import pytest

from infra.cli.restart import chosen
from infra.local.state import ProcessRecord, StackState
from schemas.errors import ConfigurationError

NAMES = ("kafka", "postgres", "registry", "coordinator", "coordinator-2", "read-models", "api", "device-0", "device-1")
STATE = StackState(processes=[ProcessRecord(name=n, pid=1, create_time=1.0, state="ready") for n in NAMES])


def test_all_of_the_product_in_reverse_order_of_needs_and_standbys_first() -> None:
    expected = ["device-1", "device-0", "api", "read-models", "coordinator-2", "coordinator"]
    assert chosen(STATE, ()) == expected


def test_named_processes_as_named() -> None:
    assert chosen(STATE, ("api", "kafka")) == ["api", "kafka"]


def test_a_name_that_does_not_run_is_told() -> None:
    with pytest.raises(ConfigurationError, match="no process gpu; there are kafka, postgres"):
        chosen(STATE, ("api", "gpu"))
