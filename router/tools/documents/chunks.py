"""Cuts a document in Markdown into chunks along its structure: titles, paragraphs, tables, code, sentences. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from router.tools.documents.values import Chunk, Chunking

CHARACTERS_PER_TOKEN = 4
LONGEST_HEADING = 200
_TITLE = re.compile(r"^(#{1,6})\s+(.+?)\s*#*$")
_FENCE = re.compile(r"^\s*(```|~~~)")
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s+|\n")


def cut(text: str, chunking: Chunking) -> list[Chunk]:
    """The chunks in order. No chunk is longer than allowed; none mixes what stands under different titles."""
    most = chunking.max_tokens * CHARACTERS_PER_TOKEN
    overlap = min(chunking.overlap_tokens * CHARACTERS_PER_TOKEN, most // 2)
    chunks: list[Chunk] = []
    for heading, blocks in _sections(text):
        packer = _Packer(most, overlap)
        for block in blocks:
            packer.add(block)
        chunks += [Chunk(len(chunks) + i, heading, piece) for i, piece in enumerate(packer.pieces())]
    return chunks


def _sections(text: str) -> Iterator[tuple[str, list[str]]]:
    """What stands under each path of titles, as blocks; a title with nothing under it is a block of its own."""
    path: list[tuple[int, str]] = []
    blocks, is_titled = list[str](), False
    for block in _blocks(text):
        title = _TITLE.match(block) if "\n" not in block else None
        if title is None:
            blocks.append(block)
            continue
        if blocks or is_titled:
            yield _heading(path), blocks or [path[-1][1]]
        level, blocks, is_titled = len(title[1]), [], True
        path = [*(above for above in path if above[0] < level), (level, title[2])]
    if blocks or is_titled:
        yield _heading(path), blocks or [path[-1][1]]


def _heading(path: list[tuple[int, str]]) -> str:
    return " > ".join(title for _, title in path)[-LONGEST_HEADING:]


def _blocks(text: str) -> Iterator[str]:
    """Paragraphs, titles, and code in fences as one block each."""
    lines, in_code = list[str](), False
    for line in text.splitlines():
        is_fence = bool(_FENCE.match(line))
        ends = not in_code and (not line.strip() or _TITLE.match(line))
        if ends and lines:
            yield "\n".join(lines)
            lines = []
        if not in_code and _TITLE.match(line):
            yield line.strip()
        elif line.strip() or in_code:
            lines.append(line.rstrip())
        in_code ^= is_fence
    if lines:
        yield "\n".join(lines)


@dataclass
class _Packer:
    """Packs blocks into pieces of at most `most` characters; each begins with the end of the one before."""

    most: int
    overlap: int
    done: list[str] = field(default_factory=list)
    open: str = ""

    def add(self, block: str) -> None:
        for part in self._fitting(block):
            if self.open and len(self.open) + len(part) + 2 > self.most:
                self.done.append(self.open)
                tail = _tail(self.open, min(self.overlap, self.most - len(part) - 2))
                self.open = tail
            self.open = f"{self.open}\n\n{part}" if self.open else part

    def pieces(self) -> list[str]:
        return [*self.done, self.open] if self.open else self.done

    def _fitting(self, block: str) -> Iterator[str]:
        """The block, cut at sentences, then at words, then anywhere, where it is too long by itself."""
        if len(block) <= self.most:
            yield block
            return
        room, piece = max(self.most - self.overlap - 2, self.most // 2), ""
        for sentence in _SENTENCE.split(block):
            for part in _hard(sentence, room):
                if piece and len(piece) + len(part) + 1 > room:
                    yield piece
                    piece = ""
                piece = f"{piece} {part}" if piece else part
        if piece:
            yield piece


def _hard(text: str, room: int) -> Iterator[str]:
    while len(text) > room:
        at = text.rfind(" ", room // 2, room)
        at = room if at < 0 else at
        yield text[:at].rstrip()
        text = text[at:].lstrip()
    if text:
        yield text


def _tail(text: str, most: int) -> str:
    """The end of a text, from the beginning of a sentence or of a word; at most so long."""
    if most <= 0:
        return ""
    if len(text) <= most:
        return text
    end = text[-most:]
    sentence = _SENTENCE.search(end)
    if sentence is not None and len(end) - sentence.end() > most // 3:
        return end[sentence.end() :]
    return end.partition(" ")[2]
