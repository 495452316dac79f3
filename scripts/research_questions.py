"""Questions on Python 3.11's documentation that describe a thing without its name and ask about it.

One place names the thing, one tells what is asked; in five of them the two stand in one section.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Hopping:
    """A question, its short answers, and what stands in each place that has to be read (phrases joined by &)."""

    text: str
    answers: tuple[str, ...]
    hops: tuple[str, str]

    def is_answered(self, text: str) -> bool:
        """Does an answer of a few words hold one of the short answers, as words of their own?"""
        return any(re.search(rf"(?<![\w.]){re.escape(one)}(?!\w|\.\d)", text, re.IGNORECASE) for one in self.answers)

    def hits(self, passages: Iterable[str]) -> int:
        """How many of the two places stand in what was found."""
        found = [" ".join(passage.split()) for passage in passages]
        return sum(any(all(word in passage for word in hop.split(" & ")) for passage in found) for hop in self.hops)


QUESTIONS = (
    Hopping(
        "Which Python version added the standard library module that supports the IANA time zone database?",
        ("3.9",),
        ("IANA time zone", "zoneinfo & New in version 3.9"),
    ),
    Hopping(
        "Of which built-in exception is the error raised by json.loads for an invalid document a subclass?",
        ("ValueError",),
        ("a valid JSON document, a JSONDecodeError", "Subclass of ValueError"),
    ),
    Hopping(
        "What is the default maxsize of the decorator that the Python FAQ names beside cached_property for caching "
        "method calls?",
        ("128",),
        ("tools for caching methods", "maxsize=128"),
    ),
    Hopping(
        "In which Python version will the module be removed that was deprecated in favor of importlib?",
        ("3.12",),
        ("deprecated in favor of importlib", "removed in version 3.12"),
    ),
    Hopping(
        "Which PEP introduced the standard library module for cryptographically strong random numbers that manages "
        "tokens and passwords?",
        ("506",),
        ("cryptographically strong random numbers", "secrets & PEP 506"),
    ),
    Hopping(
        "Which exception is raised on a cycle by the standard library class that sorts a graph of nodes topologically?",
        ("CycleError", "graphlib.CycleError"),
        ("topologically sort a graph", "topological & CycleError"),
    ),
    Hopping(
        "Which Python version added the standard library module that has the functions fmean and harmonic_mean?",
        ("3.4",),
        ("fmean", "statistics & New in version 3.4"),
    ),
    Hopping(
        "Which PEP specifies the interface between web servers and applications whose reference implementation is in "
        "the standard library?",
        ("3333",),
        ("Reference Implementation", "wsgiref & PEP 3333"),
    ),
    Hopping(
        "Which PEP has the details on why the standard library module with a Telnet client class is deprecated?",
        ("594",),
        ("Telnet", "telnetlib & PEP 594"),
    ),
    Hopping(
        "Which Python version added the enum class whose members are also strings?",
        ("3.11",),
        ("StrEnum", "StrEnum & New in version 3.11"),
    ),
    Hopping(
        "Which Windows-only module defines the function that the Python FAQ names for checking whether a key was hit?",
        ("msvcrt",),
        ("keyboard hit", "msvcrt & kbhit"),
    ),
    Hopping(
        "Which standard port is used by the smtplib class for connections that are SSL from the beginning?",
        ("465",),
        ("SMTP_SSL", "(465)"),
    ),
)
