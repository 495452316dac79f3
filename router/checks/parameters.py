"""What explicit checks take: phrases, one phrase, nothing, a pattern."""

from typing import Annotated

import msgspec
import re2

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
Texts = Annotated[list[Text], msgspec.Meta(min_length=1, max_length=500)]


class Phrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`value`: one phrase or several."""

    value: Text | Texts

    @property
    def phrases(self) -> list[str]:
        """Always a list."""
        return [self.value] if isinstance(self.value, str) else self.value


class Phrase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`value`: the phrase."""

    value: Text


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No parameters."""


class Pattern(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`pattern` (RE2); `full`: must the whole answer match?"""

    pattern: Text
    full: bool = False

    def __post_init__(self) -> None:
        try:
            re2.compile(self.pattern, quiet())
        except re2.error as error:
            shown = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else error
            raise ValueError(f"pattern is not a valid RE2 pattern: {shown}") from None


def quiet() -> re2.Options:
    """RE2 options that do not log to standard error."""
    options = re2.Options()
    options.log_errors = False
    return options
