"""The fence between old and new owners of a slot, whatever the log holds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gpu_agents.worker.lease import Fence, Lease, Verdict, granted, lost_by
from schemas.entities import DeviceChanged, DeviceStatus
from schemas.envelope import Record
from schemas.render import CancelCommand, LeaseGranted, LeaseRevoked, RenderCommand

LEASE = Lease(device_id="cpu-0", boot_id="me", slot=3, epoch=5)
GRANT = LeaseGranted(device_id="cpu-0", boot_id="me", slot=3, epoch=5)

epochs = st.integers(1, 9)
older = st.one_of(
    st.builds(LeaseGranted, boot_id=st.sampled_from(["a", "b"]), epoch=st.integers(1, 4)),
    st.builds(LeaseRevoked, epoch=st.integers(1, 4)),
    st.builds(RenderCommand, task_id=st.text(max_size=3), epoch=epochs),
    st.builds(CancelCommand, task_id=st.text(max_size=3), epoch=epochs),
)


def read(records: list[Record]) -> list[Verdict]:
    fence = Fence(LEASE)
    return [fence.judge(record) for record in records]


@given(st.lists(older))
def test_nothing_before_the_own_grant_is_obeyed_or_ends_the_lease(records: list[Record]) -> None:
    assert set(read(records)) <= {Verdict.SKIP}


@given(st.lists(older), st.lists(st.builds(RenderCommand, epoch=epochs) | st.builds(CancelCommand, epoch=epochs)))
def test_after_the_grant_exactly_the_commands_of_the_own_epoch_are_obeyed(
    before: list[Record], after: list[RenderCommand | CancelCommand]
) -> None:
    verdicts = read([*before, GRANT, *after])[len(before) + 1 :]
    assert [v is Verdict.OURS for v in verdicts] == [record.epoch == 5 for record in after]


def test_a_revocation_of_the_own_epoch_ends_the_lease_even_before_the_grant_was_read() -> None:
    assert read([GRANT, LeaseRevoked(epoch=4), LeaseRevoked(epoch=5)]) == [Verdict.SKIP, Verdict.SKIP, Verdict.LOST]
    assert read([LeaseRevoked(epoch=5)]) == [Verdict.LOST]


def test_a_grant_of_the_slot_to_another_start_ends_the_lease() -> None:
    assert read([GRANT, LeaseGranted(boot_id="other", epoch=6)])[-1] is Verdict.LOST
    assert read([LeaseGranted(boot_id="other", epoch=6)]) == [Verdict.LOST]


def test_a_lease_comes_only_from_a_live_state_of_the_own_start() -> None:
    live = DeviceChanged(device_id="cpu-0", boot_id="me", slot=3, epoch=5, status=DeviceStatus.LIVE)
    assert granted(live, "cpu-0", "me") == LEASE
    assert granted(live, "cpu-0", "other") is None
    assert granted(live, "cpu-1", "me") is None
    assert granted(DeviceChanged(device_id="cpu-0", boot_id="me", status=DeviceStatus.LOST), "cpu-0", "me") is None


def test_the_device_state_ends_the_lease_when_lost_or_given_to_a_newer_start() -> None:
    def state(boot: str, epoch: int, status: DeviceStatus, device: str = "cpu-0") -> DeviceChanged:
        return DeviceChanged(device_id=device, boot_id=boot, slot=3, epoch=epoch, status=status)

    assert lost_by(state("me", 5, DeviceStatus.LOST), LEASE)
    assert lost_by(state("me", 5, DeviceStatus.LEFT), LEASE)
    assert lost_by(state("newer", 6, DeviceStatus.LIVE), LEASE)
    assert not lost_by(state("me", 5, DeviceStatus.LIVE), LEASE)
    assert not lost_by(state("me", 4, DeviceStatus.LOST), LEASE)
    assert not lost_by(state("x", 9, DeviceStatus.LOST, "cpu-1"), LEASE)
