"""A sample of the files of an unknown feed: their first bytes, unpacked and decoded."""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from common.config.lake_settings import LakeSettings
from common.errors import ContractError
from common.sources.files.locations import FileOpener, FoundFile, find_files
from common.sources.mapping.model import Source
from deploy.suggestions.encodings import latin_encoding, other_script

SAMPLE_BYTES = 256 << 10
_MOST_FILES = 5
_PACKED = {b"PK\x03\x04": "zip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz"}
_GZIP = b"\x1f\x8b"
# Encodings of East Asia, each tried where a text is not UTF-8.
_FOREIGN = ("shift_jis", "cp949", "euc_jp", "gb18030")
_HANGUL, _KANA = ("\uac00", "\ud7a3"), ("\u3040", "\u30ff")
_C1 = frozenset(range(0x80, 0xA0))


@dataclass(frozen=True)
class FileSample:
    """The beginning of one file: ``data`` unpacked; ``whole`` when that is all of it."""

    file: FoundFile
    data: bytes
    whole: bool

    @property
    def is_parquet(self) -> bool:
        """Whether the file is a parquet file."""
        return self.data.startswith(b"PAR1")


@dataclass(frozen=True)
class Encoding:
    """An encoding as a source names it; ``certain`` when the bytes leave no choice, ``note`` why not."""

    name: str
    bom: bool = False
    certain: bool = True
    note: str = ""


def sampled_files(location: str, settings: LakeSettings) -> tuple[list[FoundFile], list[FileSample]]:
    """All files at ``location``, and samples of a few of them, spread over the listing.

    Raises InputMissingError SRC-007, ContractError FED-002 (all are empty, or packed in a way that is not read).
    """
    files = find_files(location, settings, Source.model_fields["ignore_files"].default)
    step = max(1, (len(files) - 1) // (_MOST_FILES - 1)) if len(files) > 1 else 1
    picked = list(dict.fromkeys([*files[::step][:_MOST_FILES], files[-1]]))
    opener = FileOpener(settings)
    samples = [one for file in picked if (one := _sample(file, opener)).data]
    if not samples:
        raise ContractError("FED-002", f"The files at {location} are empty.", remedy="Check --input.")
    return files, samples


def _sample(file: FoundFile, opener: FileOpener) -> FileSample:
    with opener.open(file) as stream:
        data = stream.read(SAMPLE_BYTES)
    kind = next((kind for magic, kind in _PACKED.items() if data.startswith(magic)), "")
    if kind:
        raise ContractError(
            "FED-002",
            f"{file.name} is a {kind} file, which the suite does not read.",
            remedy="Unpack it, or pack it with gzip (.gz).",
        )
    if data.startswith(_GZIP):
        return FileSample(file, _unpacked(data), whole=False)
    return FileSample(file, data, whole=len(data) < SAMPLE_BYTES)


def _unpacked(data: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(data, 4 * SAMPLE_BYTES)
    except zlib.error:
        return b""


def encoding_of(data: bytes) -> Encoding:
    """The encoding of the beginning of a text."""
    if data.startswith(codecs.BOM_UTF8):
        return Encoding("utf-8", bom=True)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return Encoding("utf-16", bom=True)
    if data.count(0) * 4 > len(data):
        # Latin text in UTF-16 without a mark: every other byte is a NUL.
        return Encoding("utf-16-le" if data[1::2].count(0) > data[::2].count(0) else "utf-16-be", certain=False)
    whole_lines = data[: data.rfind(b"\n") + 1] or data
    try:
        whole_lines.decode("utf-8")
        return Encoding("utf-8")
    except UnicodeDecodeError:
        pass
    foreign = other_script(whole_lines) or _foreign(whole_lines)
    if foreign:
        return Encoding(foreign, certain=False, note="the bytes are not UTF-8 and make sense in it; look at the texts")
    latin = latin_encoding(whole_lines)
    if latin != "latin-1":
        note = "the bytes are not UTF-8 and make sense in it; see whether the letters come out right"
        return Encoding(latin, certain=False, note=note)
    if _C1.intersection(whole_lines):
        return Encoding("windows-1252", certain=False, note="not UTF-8; has bytes that are signs in windows-1252 only")
    note = "the bytes are not UTF-8; see whether umlauts and accents come out right"
    return Encoding("latin-1", certain=False, note=note)


def _foreign(data: bytes) -> str:
    """An East Asian encoding in which the bytes make sense; Western text has no long runs of bytes above 0x7f."""
    high = sum(byte > 0x7F for byte in data)
    pairs = sum(first > 0x7F and second > 0x3F for first, second in pairwise(data))
    runs = sum(first > 0x7F and second > 0x7F for first, second in pairwise(data))
    if not high or pairs < 0.4 * high or runs < 0.3 * high:
        return ""
    for name in _FOREIGN:
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        letters = [sign for sign in text if ord(sign) > 0x7F]
        if name == "cp949" and _among(letters, _HANGUL) < 0.9:  # half of Chinese looks Korean
            continue
        if name == "euc_jp" and _among(letters, _KANA) < 0.05:
            continue
        if _among(letters, ("\u3040", "\u9fff")) + _among(letters, _HANGUL) > 0.6:
            return name
    return ""


def _among(letters: Sequence[str], ends: tuple[str, str]) -> float:
    return sum(ends[0] <= sign <= ends[1] for sign in letters) / len(letters) if letters else 0.0


def text_of_sample(sample: FileSample, encoding: Encoding) -> str:
    """The whole lines of a sample as text, a byte order mark left out; line ends become newlines."""
    codec = {"utf-8": "utf-8-sig"}.get(encoding.name, encoding.name)
    data = sample.data
    if encoding.name.startswith("utf-16"):
        data = data[: len(data) & ~1]
    text = data.decode(codec, "ignore").replace("\r\n", "\n").replace("\r", "\n")
    if sample.whole or "\n" not in text:
        return text
    return text[: text.rfind("\n") + 1]
