"""Prompts longer than an encoder reads at once: in pieces where the model allows it, else said aloud."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

PIECE = 75  # words of CLIP between its two markers


class Encoded(Struct, frozen=True, kw_only=True):
    """Arguments for the pipeline, the length of the prompt in tokens, and how many of them the model reads."""

    arguments: dict[str, Any]
    tokens: int
    used: int

    @property
    def is_cut(self) -> bool:
        """Whether the end of the prompt was not read."""
        return self.used < self.tokens


def encode(pipeline: Any, prompt: str, negative: str, accepted: frozenset[str], max_tokens: int = 0) -> Encoded:
    """What to call the pipeline with. `accepted` are the names of its arguments; `max_tokens` 0 = as the pipeline says.

    CLIP-only pipelines read a long prompt in pieces of 75 tokens, whose encodings follow one another. Pipelines with T5
    read up to their limit; what goes beyond is counted, and the caller tells it.
    """
    plain: dict[str, Any] = {"prompt": prompt}
    if negative and "negative_prompt" in accepted:
        plain["negative_prompt"] = negative
    tokenizer = _longest(pipeline)
    if tokenizer is None:
        return Encoded(arguments=plain, tokens=0, used=0)
    tokens = len(_ids(tokenizer, prompt))
    limit = max_tokens or _limit(pipeline, tokenizer)
    if "max_sequence_length" in accepted:
        limit = max_tokens or _sequence_limit(pipeline)
        plain["max_sequence_length"] = limit
        limit -= 1  # the end marker
    if max(tokens, len(_ids(tokenizer, negative))) <= limit:
        return Encoded(arguments=plain, tokens=tokens, used=tokens)
    if "prompt_embeds" in accepted and _is_clip_only(pipeline):
        return Encoded(arguments=_in_pieces(pipeline, prompt, negative), tokens=tokens, used=tokens)
    return Encoded(arguments=plain, tokens=tokens, used=min(tokens, limit))


def _tokenizers(pipeline: Any) -> list[Any]:
    names = ("tokenizer", "tokenizer_2", "tokenizer_3", "tokenizer_4")
    return [part for name in names if (part := getattr(pipeline, name, None)) is not None]


def _longest(pipeline: Any) -> Any | None:
    return max(_tokenizers(pipeline), key=lambda tokenizer: int(tokenizer.model_max_length), default=None)


def _limit(pipeline: Any, tokenizer: Any) -> int:
    return min(int(tokenizer.model_max_length), 100_000) - (2 if _is_clip_only(pipeline) else 1)


def _sequence_limit(pipeline: Any) -> int:
    return 256 if "Sana" in type(pipeline).__name__ else 512


def _is_clip_only(pipeline: Any) -> bool:
    found = _tokenizers(pipeline)
    return bool(found) and all("CLIP" in type(tokenizer).__name__ for tokenizer in found)


def _ids(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False, truncation=False, verbose=False).input_ids)


def _in_pieces(pipeline: Any, prompt: str, negative: str) -> dict[str, Any]:
    """Embeddings of both prompts, equally long; with pooled ones where there is a second encoder."""
    import torch

    encoders = [(pipeline.tokenizer, pipeline.text_encoder)]
    if getattr(pipeline, "tokenizer_2", None) is not None:
        encoders.append((pipeline.tokenizer_2, pipeline.text_encoder_2))
    pieces = max(
        -(-len(_ids(tokenizer, text)) // PIECE) for tokenizer, _ in encoders for text in (prompt, negative, " ")
    )
    arguments: dict[str, Any] = {}
    for prefix, text in (("", prompt), ("negative_", negative)):
        parts, pooled = [], None
        for tokenizer, encoder in encoders:
            states, pooled = _encode_pieces(tokenizer, encoder, text, pieces, penultimate=len(encoders) > 1)
            parts.append(states)
        arguments[f"{prefix}prompt_embeds"] = torch.cat(parts, dim=-1)
        if len(encoders) > 1:
            arguments[f"{prefix}pooled_prompt_embeds"] = pooled
    return arguments


def _encode_pieces(tokenizer: Any, encoder: Any, text: str, pieces: int, *, penultimate: bool) -> tuple[Any, Any]:
    """States (1, pieces * 77, width) and the pooled output of the first piece."""
    import torch

    ids, rows = _ids(tokenizer, text), []
    for number in range(pieces):
        piece = ids[number * PIECE : (number + 1) * PIECE]
        row = [tokenizer.bos_token_id, *piece, tokenizer.eos_token_id]
        rows.append(row + [tokenizer.pad_token_id] * (PIECE + 2 - len(row)))
    device = getattr(encoder, "_hf_hook", None)
    where = getattr(device, "execution_device", None) or encoder.device
    with torch.no_grad():
        output = encoder(torch.tensor(rows, device=where), output_hidden_states=penultimate)
    states = output.hidden_states[-2] if penultimate else output[0]
    pooled = output[0][:1] if penultimate else None
    return states.reshape(1, -1, states.shape[-1]), pooled
