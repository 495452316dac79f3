"""The variants of actions that the settings offer: prompts of the operator's own, and numbers of tools."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from proxy.terms import Section
from router.variants import PromptVariant, Variants, is_own_word


class PromptSettings(Section):
    """A prompt variant: its `text`, or the `file` that holds it; for these `models` (none: all)."""

    text: Annotated[str, Field(min_length=1)] | None = None
    file: Path | None = None
    models: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _says_what(self) -> "PromptSettings":
        if (self.text is None) == (self.file is None):
            raise ValueError("needs exactly one of text, file")
        return self


class VariantsSettings(Section):
    """What may be offered of each model beside its plain sample."""

    prompts: Mapping[str, PromptSettings] = {}
    tool_limits: tuple[Annotated[int, Field(ge=1, le=1000)], ...] = ()

    @model_validator(mode="after")
    def _names_are_free(self) -> "VariantsSettings":
        for name in self.prompts:
            if not is_own_word(name):
                raise ValueError(f"'{name}' cannot name a prompt: small letters and _, and none of the built-in names")
        return self


class VariantError(Exception):
    """A prompt that cannot be read; the message says which."""


def variants_of(settings: VariantsSettings) -> Variants:
    """With the texts of their files, as they are now. Raises VariantError."""
    prompts = {name: PromptVariant(_text(name, said), said.models) for name, said in settings.prompts.items()}
    return Variants(prompts, tuple(sorted(set(settings.tool_limits))))


def _text(name: str, said: PromptSettings) -> str:
    try:
        text = said.text if said.file is None else said.file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise VariantError(f"variants.prompts.{name}: {error}") from None
    if not text or not text.strip():
        raise VariantError(f"variants.prompts.{name}: {said.file} is empty")
    return text.strip()
