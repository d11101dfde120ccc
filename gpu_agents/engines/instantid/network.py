"""IdentityNet: a ControlNet that reads faces in the place of words, each within its region of the frame."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import ControlNetModel
from torch.nn import functional


class IdentityNet(ControlNetModel):  # type: ignore[misc]  # diffusers is not followed by the type checker
    """`people` are set before a call: (tokens (batch, count, width), mask (1, 1, h, w)) each. Without any it adds nothing."""

    people: list[tuple[Any, Any]] = []

    def forward(
        self,
        sample: Any,
        timestep: Any,
        encoder_hidden_states: Any,
        controlnet_cond: Any,
        conditioning_scale: float = 1.0,
        return_dict: bool = True,
        **more: Any,
    ) -> Any:
        """(down residuals, mid residual): the sum over all persons of what their tokens give inside their masks."""
        given = {"controlnet_cond": controlnet_cond, "conditioning_scale": conditioning_scale, "return_dict": False}
        if not self.people:
            down, mid = super().forward(sample, timestep, encoder_hidden_states=encoder_hidden_states, **given, **more)
            blank = [torch.zeros_like(part) for part in down], torch.zeros_like(mid)
            return self._answer(*blank, return_dict=return_dict)
        total_down: list[Any] = []
        total_mid: Any = None
        for tokens, mask in self.people:
            words = tokens[-sample.shape[0] :].to(sample.device, sample.dtype)
            down, mid = super().forward(sample, timestep, encoder_hidden_states=words, **given, **more)
            down = [part * _fitted(mask, part) for part in down]
            mid = mid * _fitted(mask, mid)
            total_down = down if total_mid is None else [a + b for a, b in zip(total_down, down, strict=True)]
            total_mid = mid if total_mid is None else total_mid + mid
        return self._answer(total_down, total_mid, return_dict=return_dict)

    def _answer(self, down: list[Any], mid: Any, *, return_dict: bool) -> Any:
        if not return_dict:
            return down, mid
        from diffusers.models.controlnets.controlnet import ControlNetOutput

        return ControlNetOutput(down_block_res_samples=down, mid_block_res_sample=mid)


def _fitted(mask: Any, part: Any) -> Any:
    """The mask at the size of a residual."""
    return functional.interpolate(mask.to(part.device, torch.float32), part.shape[-2:], mode="area").to(part.dtype)
