"""A stream of the driver's JVM as one of Python."""

from __future__ import annotations

import io
from typing import Any


class JvmStream(io.RawIOBase):
    """A raw stream over the bytes of a ``java.io.InputStream``, which is closed with it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """As many bytes as there are, up to the size of the buffer."""
        found = bytes(self._stream.readNBytes(len(buffer)))
        buffer[: len(found)] = found
        return len(found)

    def close(self) -> None:
        """Close the JVM's stream, too."""
        if not self.closed:
            self._stream.close()
        super().close()
