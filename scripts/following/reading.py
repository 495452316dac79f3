"""An answer taken apart, for the graders of this set. Shares no code with the checks that Maestro compiles."""

import re
from dataclasses import dataclass
from functools import cached_property

WORD = re.compile(r"[A-Za-z0-9_]+(?:['’.\-][A-Za-z0-9_]+)*")
BULLET = re.compile(r"^\s*[-*•–]\s+(?=\S)")
STEP = re.compile(r"^\s*\d+\s*[.)]\s+(?=\S)")
SHORTENED = re.compile(r"\b(e\.g|i\.e|etc|vs|cf|Mr|Mrs|Dr|No)\.")


@dataclass(frozen=True)
class Reading:
    """`answer` beside the `source` it was to be made from."""

    answer: str
    source: str = ""

    @cached_property
    def text(self) -> str:
        """Without space around it."""
        return self.answer.strip()

    @cached_property
    def lines(self) -> list[str]:
        """Those with something on them."""
        return [line.strip() for line in self.text.splitlines() if line.strip()]

    @cached_property
    def words(self) -> list[str]:
        """Letters, digits, and what joins them."""
        return WORD.findall(self.text)

    @cached_property
    def paragraphs(self) -> list[str]:
        """Parted by empty lines."""
        return [part for part in re.split(r"\n\s*\n", self.text) if part.strip()]

    @cached_property
    def sentences(self) -> list[str]:
        """Parted by full stops, marks, and line ends; those with a word in them."""
        masked = SHORTENED.sub(lambda found: found.group(0).replace(".", "·"), self.text)
        return [part for part in re.split(r"(?<=[.!?])[\"”')\]]*\s+|\n+", masked) if WORD.search(part)]

    @cached_property
    def bullets(self) -> list[str]:
        """Lines that begin with a bullet, without it."""
        return [BULLET.sub("", line) for line in self.lines if BULLET.match(line)]

    @cached_property
    def steps(self) -> list[str]:
        """Lines that begin with a number, without it."""
        return [STEP.sub("", line) for line in self.lines if STEP.match(line)]

    @cached_property
    def unfenced(self) -> str:
        """The body of a code fence, if the answer is nothing but one."""
        fenced = re.fullmatch(r"```[a-zA-Z]*\n(.*?)\n?```", self.text, re.DOTALL)
        return fenced.group(1).strip() if fenced else self.text

    def says(self, term: str) -> bool:
        """Does the answer hold this word or phrase, in whatever case and with whatever space inside?"""
        return _holds(self.text, term)

    def is_in_source(self, term: str) -> bool:
        """The same of the source."""
        return _holds(self.source, term)


def _holds(text: str, term: str) -> bool:
    spaced = r"\s+".join(re.escape(part) for part in term.split())
    return re.search(rf"(?<![A-Za-z0-9_]){spaced}(?![A-Za-z0-9_])", text, re.IGNORECASE) is not None
