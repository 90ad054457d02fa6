"""Bodies made of blocks that are rendered and compressed once and then shared (floor 4).

A body is cut where something may stay the same from one rendering to the next, or be the same in
another format. Each block is compressed alone, up to a byte border; the pieces of a body follow
each other in one deflate stream, so that any client reads them as one gzip file.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

GZIP_LEVEL = 6
GZIP_START = b"\x1f\x8b\x08" + bytes(6) + b"\xff"  # deflate, no name, no time, unknown system
DEFLATE_END = b"\x03\x00"  # an empty last block


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a body, and the same part as a piece of a deflate stream."""

    plain: bytes
    deflated: bytes

    @classmethod
    def of(cls, plain: bytes) -> Block:
        """Compress a part. The full flush ends it on a byte border."""
        compressor = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        return cls(plain, compressor.compress(plain) + compressor.flush(zlib.Z_FULL_FLUSH))


class Body:
    """One answer, plain and compressed, each as the parts it is sent in."""

    __slots__ = ("_compressed", "_plain")

    def __init__(self, blocks: Iterable[Block]) -> None:
        blocks = tuple(blocks)
        self._plain = tuple(block.plain for block in blocks)
        checksum = length = 0
        for part in self._plain:
            checksum = zlib.crc32(part, checksum)
            length += len(part)
        trailer = DEFLATE_END + struct.pack("<II", checksum, length & 0xFFFFFFFF)
        self._compressed = (GZIP_START, *(block.deflated for block in blocks), trailer)

    def parts(self, *, compressed: bool) -> tuple[bytes, ...]:
        """Return what to send, piece by piece, without a copy."""
        return self._compressed if compressed else self._plain

    @property
    def plain(self) -> bytes:
        """Return a copy of the text as a whole."""
        return b"".join(self._plain)

    @property
    def compressed(self) -> bytes:
        """Return a copy of the gzip file as a whole."""
        return b"".join(self._compressed)


def sliced(parts: Iterable[bytes], size: int) -> Iterator[memoryview]:
    """Yield views of at most `size` bytes, so that a slow reader never holds a copy of it all."""
    for part in parts:
        view = memoryview(part)
        for start in range(0, len(view), size):
            yield view[start : start + size]
