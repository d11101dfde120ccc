"""Components of pipelines, each loaded whole or not at all: the libraries fill tensors that are missing with random numbers."""

from __future__ import annotations

import inspect
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

from schemas.errors import ConfigurationError

MOST_NAMED = 5  # tensors in a message


def load_components(
    maker: Any, place: Path, index: Mapping[str, Any], but: Container[str], *, precision: Any, variant: str
) -> dict[str, Any]:
    """The models among the components that a pipeline of class `maker` takes, by name, but those named in `but`.

    `precision` is a dtype of torch, or a mapping from component to dtype with a "default". Raises `ConfigurationError`
    that names the component and the tensors that its files lack.
    """
    taken = inspect.signature(maker.__init__).parameters
    found: dict[str, Any] = {}
    for name, told in index.items():
        folder = place / name
        if name in but or name not in taken or not isinstance(told, list) or not folder.is_dir():
            continue
        kind = _model_class(*told)
        if kind is not None:
            dtype = precision.get(name, precision["default"]) if isinstance(precision, dict) else precision
            fits = variant and any(folder.glob(f"*.{variant}*.safetensors"))
            found[name] = load_whole(kind, folder, name, dtype, **({"variant": variant} if fits else {}))
    return found


def load_whole(kind: Any, folder: Path, name: str, dtype: Any = None, **options: Any) -> Any:
    """A model of class `kind` whose every tensor is in `folder`; `dtype` None is the class' own.

    Raises `ConfigurationError` naming the component and the tensors that are missing or of another shape.
    """
    import diffusers

    called = "torch_dtype" if issubclass(kind, diffusers.ModelMixin) else "dtype"
    model, told = kind.from_pretrained(
        str(folder),
        local_files_only=True,
        use_safetensors=True,
        output_loading_info=True,
        **({} if dtype is None else {called: dtype}),
        **options,
    )
    lacking = sorted({*told["missing_keys"], *(str(item[0]) for item in told["mismatched_keys"])})
    if lacking:
        more = f" and {len(lacking) - MOST_NAMED} more" if len(lacking) > MOST_NAMED else ""
        raise ConfigurationError(f"component {name!r} lacks tensors: {', '.join(lacking[:MOST_NAMED])}{more}")
    return model


def _model_class(library: str | None, kind: str | None) -> Any:
    """The class of a component of model_index.json if it is a model with weights, else None."""
    import diffusers
    import transformers

    home = {"diffusers": diffusers, "transformers": transformers}.get(str(library))
    found = getattr(home or getattr(diffusers.pipelines, str(library), None), str(kind), None)
    bases = (diffusers.ModelMixin, transformers.PreTrainedModel)
    return found if isinstance(found, type) and issubclass(found, bases) else None
