"""Checks that hold another: every sentence, paragraph, line, bullet or word, or the n-th one, must pass it; or the
answer must not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from router.checks import texts
from router.checks.check import Answer, Check, Finding
from router.checks.marks import headings

Splitter = Callable[[str], list[str]]
PARTS: dict[str, Splitter] = {
    "word": texts.tokens,
    "sentence": texts.sentences,
    "paragraph": texts.paragraphs,
    "line": texts.lines,
    "bullet": lambda text: texts.bullets(text) or texts.numbered(text),
    "heading": headings,
}


@dataclass(frozen=True)
class EachCheck:
    """Every part passes `inner`; there must be one."""

    unit: str
    inner: Check
    kind: str = "each"

    @property
    def spec(self) -> Mapping[str, Any]:
        """Its explicit form."""
        return {"type": "each", "unit": self.unit, "check": dict(self.inner.spec)}

    def evaluate(self, answer: Answer) -> Finding:
        """The share of parts that pass."""
        findings = [self.inner.evaluate(Answer(part, answer.prompt)) for part in PARTS[self.unit](answer.text)]
        failed = [finding for finding in findings if not finding.passed]
        if not findings:
            return Finding(0.0, f"0 {self.unit}s")
        if not failed:
            return Finding(1.0, f"{len(findings)} of {len(findings)} {self.unit}s pass")
        share = 0.99 * (len(findings) - len(failed)) / len(findings)
        return Finding(share, f"{len(failed)} of {len(findings)} {self.unit}s fail; the first: {failed[0].reason}")

    def already_failed(self, partial: str) -> bool:
        """A part may still grow: nothing is lost before the end."""
        return False


@dataclass(frozen=True)
class PartCheck:
    """The n-th part (negative: from the end) passes `inner`."""

    unit: str
    n: int
    inner: Check
    kind: str = "part"

    @property
    def spec(self) -> Mapping[str, Any]:
        """Its explicit form."""
        return {"type": "part", "unit": self.unit, "n": self.n, "check": dict(self.inner.spec)}

    def evaluate(self, answer: Answer) -> Finding:
        """The inner check's word on that part."""
        parts = PARTS[self.unit](answer.text)
        index = self.n - 1 if self.n > 0 else self.n
        if not -len(parts) <= index < len(parts):
            return Finding(0.0, f"{len(parts)} {self.unit}s, there is no number {self.n}")
        finding = self.inner.evaluate(Answer(parts[index], answer.prompt))
        return Finding(finding.score, f"{self.unit} {self.n}: {finding.reason}")

    def already_failed(self, partial: str) -> bool:
        """A part may still grow."""
        return False


STAYS = frozenset(("starts_with", "first_word", "contains", "contains_any"))
"""What a growing answer that passes goes on passing, once a word more stands there."""


@dataclass(frozen=True)
class NotCheck:
    """The answer does not pass `inner`; where that cannot be told, neither can this."""

    inner: Check
    kind: str = "not"

    @property
    def spec(self) -> Mapping[str, Any]:
        """Its explicit form."""
        return {"type": "not", "check": dict(self.inner.spec)}

    def evaluate(self, answer: Answer) -> Finding:
        """1 if the inner check fails, 0 if it passes."""
        finding = self.inner.evaluate(answer)
        if finding.score is None:
            return finding
        if finding.passed:
            return Finding(0.0, f"not allowed: {finding.reason.removesuffix(' wanted')}")
        return Finding(1.0, f"as it must not be ({finding.reason.removesuffix(' wanted')})")

    def already_failed(self, partial: str) -> bool:
        """Does it pass what must not pass, whatever follows?"""
        words = partial.split()
        return len(words) > 1 and self.inner.kind in STAYS and self.inner.evaluate(Answer(" ".join(words[:-1]))).passed
