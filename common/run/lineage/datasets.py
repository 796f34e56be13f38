"""Tables and raw files as OpenLineage names them, with the facets that say what they are.

Names follow OpenLineage's naming conventions: a namespace is scheme and authority, a name the path below it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from common.lake.table import Table

Dataset = dict[str, Any]
Facet = dict[str, Any]

SPEC = "https://openlineage.io/spec"
_OTHER_NAMES_OF_S3 = {"s3a", "s3n"}
# Stores of objects, where a key begins without a slash.
_OBJECT_STORES = {"s3", "gs"}
_GLOB = re.compile(r"[*?\[{]")


class Facets:
    """Makes facets in the name of one ``producer``, a URI."""

    def __init__(self, producer: str) -> None:
        self._producer = producer

    def standard(self, kind: str, version: str, /, **members: Any) -> Facet:
        """A facet of the specification, e.g. ``standard("SchemaDatasetFacet", "1-1-1", fields=[])``."""
        return self._of(f"{SPEC}/facets/{version}/{kind}.json#/$defs/{kind}", members)

    def own(self, base: str, /, **members: Any) -> Facet:
        """A facet of this suite; ``base`` is the kind of facet that it extends, e.g. ``RunFacet``."""
        return self._of(f"{SPEC}/2-0-2/OpenLineage.json#/$defs/{base}", members)

    def _of(self, schema: str, members: dict[str, Any]) -> Facet:
        return {"_producer": self._producer, "_schemaURL": schema, **members}

    def table(self, table: Table, root: str, logical: str, version: int | None = None) -> Dataset:
        """A Delta table below the lake root; ``logical`` is the namespace in which it bears its own name."""
        facets = {
            "schema": self.standard(
                "SchemaDatasetFacet",
                "1-1-1",
                fields=[{"name": field.name, "type": field.dataType.simpleString()} for field in table.schema.fields],
            ),
            "storage": self.standard("StorageDatasetFacet", "1-0-0", storageLayer="delta", fileFormat="parquet"),
            "symlinks": self.standard(
                "SymlinksDatasetFacet",
                "1-0-1",
                identifiers=[{"namespace": logical, "name": table.name, "type": "TABLE"}],
            ),
        }
        if version is not None:
            facets["version"] = self.standard("DatasetVersionDatasetFacet", "1-0-1", datasetVersion=str(version))
        namespace, name = named(f"{root.rstrip('/')}/{table.relative_path}")
        return {"namespace": namespace, "name": name, "facets": facets}


def named(address: str) -> tuple[str, str]:
    """Namespace and name of a location; of a pattern those of the folder that it looks into."""
    glob = _GLOB.search(address)
    if glob:
        address = address[: glob.start()].rpartition("/")[0]
    scheme, sign, rest = address.partition("://")
    if not sign or scheme == "file":
        path = rest if sign else address.removeprefix("file:")
        return "file", str(Path(path).absolute())
    scheme = "s3" if scheme in _OTHER_NAMES_OF_S3 else scheme
    authority, _, path = rest.partition("/")
    path = path.strip("/")
    return f"{scheme}://{authority}", (path or "/") if scheme in _OBJECT_STORES else f"/{path}"
