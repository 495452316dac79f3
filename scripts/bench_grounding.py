"""How far words alone decide whether a claim is supported, on claims written by hand for passages in the manner of our
documentation: said in other words, said nearly so, altered (numbers, names, negation), or from elsewhere.
"""

from collections import Counter
from dataclasses import dataclass

import click

from router.checks.grounding import SUPPORTED, UNSUPPORTED, support
from router.tools.passages import Passage


@dataclass(frozen=True)
class Told:
    """A passage, claims it supports, and claims it does not, each with how it came about."""

    text: str
    supported: tuple[tuple[str, str], ...]
    unsupported: tuple[tuple[str, str], ...]


TOLD = (
    Told(
        "A file is converted by a process that has given up network, writing, privileges and most of its memory "
        "before the first byte is parsed, then cut along titles, paragraphs, tables and code.",
        (
            ("near", "Files are converted by a process that has given up network and writing."),
            ("near", "After that the file is cut along titles, paragraphs, tables and code."),
            ("free", "The converter runs in a sandbox without network access."),
        ),
        (
            ("negated", "The process that converts a file has not given up network or writing."),
            ("altered", "A file is converted by a process that has given up network, and is cut along chapters."),
            ("elsewhere", "Scanned pages are read by optical character recognition."),
        ),
    ),
    Told(
        "Sixteen calls may run at once for each upstream unless slots says otherwise. A call that waits longer than "
        "the timeout of 60 seconds is given up and counts as a failure.",
        (
            ("near", "A call that waits longer than 60 seconds is given up."),
            ("free", "By default an upstream handles up to sixteen parallel requests."),
            ("near", "A call that is given up counts as a failure."),
        ),
        (
            ("altered", "A call that waits longer than 90 seconds is given up."),
            ("altered", "Sixty calls may run at once for each upstream."),
            ("negated", "A call that is given up does not count as a failure."),
        ),
    ),
    Told(
        "Another team's ids answer 404. Indexing goes on in the background and is taken up again after a restart. "
        "Everything belongs to the team of the key.",
        (
            ("near", "Ids of another team answer 404."),
            ("near", "After a restart indexing is taken up again."),
            ("free", "A key cannot see what belongs to other teams."),
        ),
        (
            ("altered", "Ids of another team answer 403."),
            ("negated", "Indexing is never taken up again after a restart."),
            ("elsewhere", "Deleted files can be restored for thirty days."),
        ),
    ),
    Told(
        "Money is held before a call leaves and charged once the call is answered. Where the upstream tells no usage, "
        "tokens are counted here and the entry is marked as estimated.",
        (
            ("near", "Money is held before a call leaves."),
            ("near", "Where the upstream tells no usage, tokens are counted and the entry is marked as estimated."),
            ("free", "Funds are reserved in advance of each request."),
        ),
        (
            ("altered", "Money is held after a call is answered, and charged before the call leaves."),
            ("negated", "Money is not held before a call leaves."),
            ("elsewhere", "Prices are converted to euros every night."),
        ),
    ),
    Told(
        "Search scores are joined as a convex combination of BM25 and cosine, and near-duplicates are dropped. Vectors "
        "are kept as int8 with 256 bytes for each chunk.",
        (
            ("near", "Scores of BM25 and cosine are joined as a convex combination."),
            ("near", "Each chunk takes 256 bytes for its vector, kept as int8."),
            ("free", "Passages that say almost the same are removed."),
        ),
        (
            ("altered", "Vectors are kept as float16 with 512 bytes for each chunk."),
            ("altered", "Scores are joined by reciprocal rank fusion of BM25 and cosine."),
            ("elsewhere", "The embedding model was trained on patents."),
        ),
    ),
)


def decided(claim: str, text: str) -> str:
    """ "supported", "unsupported", or "asked" where the judge would be."""
    share = support(claim, [Passage(1, "file", "f", "", text, 1.0)])
    return "supported" if share >= SUPPORTED else "unsupported" if share < UNSUPPORTED else "asked"


@click.command()
@click.option("--claims", is_flag=True, help="Each claim by itself, too.")
def command(claims: bool) -> None:
    """What words alone say of claims that are supported or not, by how the claim came about."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for told in TOLD:
        for truth, group in (("supported", told.supported), ("unsupported", told.unsupported)):
            for kind, claim in group:
                said = decided(claim, told.text)
                counts[truth, kind, said] += 1
                if claims:
                    click.echo(f"{truth:11} {kind:9} {said:11} {claim}")
    click.echo("| truth | claim | said supported | asked | said unsupported |\n|---|---|---|---|---|")
    for truth, kind in dict.fromkeys((truth, kind) for truth, kind, _ in counts):
        row = " | ".join(str(counts[truth, kind, said]) for said in ("supported", "asked", "unsupported"))
        click.echo(f"| {truth} | {kind} | {row} |")


if __name__ == "__main__":
    command()
