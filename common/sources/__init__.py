"""Sources: raw files as frames of canonical columns, with an inspection of each file before it is read."""

from common.sources.canonical import canonical
from common.sources.inspection import bad_file_rows, inspect
from common.sources.inventory import FileInventory, InspectedFile
from common.sources.model import Source, presets
from common.sources.reading import read_raw

__all__ = ["FileInventory", "InspectedFile", "Source", "bad_file_rows", "canonical", "inspect", "presets", "read_raw"]
