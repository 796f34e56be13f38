"""Which objects of the lake a job touches, and how: from its declaration alone.

Paths are patterns below the lake root, ``*`` standing for any text. docs/security.md lists them for people.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from common.job.declaration import Job
from common.job.references import attribute
from common.lake.delta.log_files import LAYERS
from common.lake.delta.probe import PROBES
from common.lake.free_columns import FOLDER
from common.lake.lease import lease_folder
from common.lake.set_aside import quarantine_table
from common.lake.table import Table
from common.run.lineage.emit import event_folder
from common.sources.mapping.free_columns import EXTRA_MAPS

GET, PUT, DELETE, ABORT = "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"
_SMALL = frozenset({GET, PUT, DELETE})
# Spark sends files in parts. Writers delete too: a task that fails takes its files back, and Delta shortens its log.
_LARGE = frozenset({GET, PUT, DELETE, ABORT})

_LAYER = rf"(?:{'|'.join(LAYERS)})"
# Leases, batches and staged rows of a table; record and report of a job; notes of all jobs; a table and its folder; the
# folders of a family in all layers.
_BRIEF = (
    (r"_*/\1*", re.compile(r"^_(?:leases|batches|extra|staging/\*)/([^/*]+?)(?:/|-)\*$")),
    (r"r*/\1/*", re.compile(r"^(?:runs|reports|runs/lineage)/([^_/][^/]*/[^/]+)/\*$")),
    (r"reports/*index*", re.compile(r"^reports/(?:_index/\*|index\.html)$")),
    (r"runs/_*", re.compile(r"^runs/_.*$")),
    (r"\1*", re.compile(rf"^({_LAYER}/[^/*]+/[^/*]+?)(?:/\*)?$")),
    (r"*/\1", re.compile(rf"^{_LAYER}/([^/*]+)$")),
)
# Of a folder of which a job reads so many tables, a brief policy names the folder.
_MANY_TABLES = 6


@dataclass(frozen=True)
class Access:
    """Pattern -> the S3 actions on objects that match it; ``listed`` are the patterns whose names may be listed.

    What may be read may be listed: without it, S3 answers 403 for an object that is not there, and a first run could
    not tell an empty lake from a missing right.
    """

    actions: Mapping[str, frozenset[str]] = field(default_factory=dict)
    listed: frozenset[str] = frozenset()

    @classmethod
    def to(cls, patterns: list[str], actions: frozenset[str], *, is_listed: bool | None = None) -> Access:
        """The same actions on some patterns, listed when they are read."""
        listed = GET in actions if is_listed is None else is_listed
        return cls(dict.fromkeys(patterns, actions), frozenset(patterns) if listed else frozenset())

    def __or__(self, other: Access) -> Access:
        names = {*self.actions, *other.actions}
        none: frozenset[str] = frozenset()
        both = {name: self.actions.get(name, none) | other.actions.get(name, none) for name in names}
        return Access(both, self.listed | other.listed)

    def reduced(self) -> Access:
        """The same rights without patterns that a wider one covers."""
        kept = {
            name: actions
            for name, actions in self.actions.items()
            if not any(
                name != wider and fnmatchcase(name, wider) and actions <= more for wider, more in self.actions.items()
            )
        }
        listed = {
            name for name in self.listed if not any(name != wider and fnmatchcase(name, wider) for wider in self.listed)
        }
        return Access(kept, frozenset(listed))

    def brief(self) -> Access:
        """Fewer, wider patterns that cover the same objects, for a policy that another one narrows."""
        found = Access()
        for pattern, actions in self.actions.items():
            wider = pattern
            for short, long in _BRIEF:
                wider = long.sub(short, wider)
            found |= Access.to([wider], actions)
        read = Counter(name.rpartition("/")[0] for name, actions in found.actions.items() if actions == {GET})
        folders = [f"{name}/*" for name, count in read.items() if count >= _MANY_TABLES and name.startswith(LAYERS)]
        return (found | Access.to(folders, frozenset({GET}))).reduced()


def access_of(job: Job) -> Access:
    """All that a run of the job touches below the lake root, raw files that lie elsewhere left out."""
    if job.maintains_all:
        return (_records(job) | _upkeep()).reduced()
    reads: list[Table] = [attribute(one.table) for one in job.inputs]
    writes: list[Table] = [attribute(one) for one in job.writes]
    found = _records(job)
    if job.examines:
        # A probe of each kind that jobs need, in a folder that no job reads.
        found |= Access.to([f"{PROBES}/*"], _LARGE) | _made([PROBES])
    found |= _written(writes)
    found |= Access.to([f"_staging/*/{table.name}-*" for table in writes], _LARGE)
    found |= Access.to([f"{table.relative_path}/*" for table in reads], frozenset({GET}))
    found |= _models(reads, writes)
    if job.ingests:
        found |= _written([quarantine_table(job.family, job.name)])
        # What was ingested is noted per silver table, the first that is written. Earlier releases kept a Delta table.
        found |= Access.to([f"_batches/{writes[0].name}/*"], _SMALL)
        found |= Access.to([f"ops/{job.family}/*"], frozenset({GET}))
        found |= Access.to(_free_columns(writes), frozenset({GET, PUT}))
    if "extra_features" in job.params.model_fields:
        found |= Access.to(_free_columns(reads), frozenset({GET}))
    if job.feeds:
        found |= Access.to([f"landing/{job.family}/*"], frozenset({PUT, DELETE}), is_listed=True)
    return found.reduced()


def _free_columns(tables: list[Table]) -> list[str]:
    """Where it is noted which free columns the sources of some tables have declared."""
    noted = [table for table in tables if table.layer == "silver" and EXTRA_MAPS[0] in table.schema.names]
    return [f"{FOLDER}/{table.name}/*" for table in noted]


def tables_of(job: Job) -> tuple[list[Table], list[Table]]:
    """The tables that a job only reads, and those that it writes: an ingest its quarantine too."""
    writes: list[Table] = [attribute(one) for one in job.writes]
    names = {table.name for table in writes}
    reads = [table for table in (attribute(one.table) for one in job.inputs) if table.name not in names]
    return reads, [*writes, *([quarantine_table(job.family, job.name)] if job.ingests else [])]


def _records(job: Job) -> Access:
    """Run record, outbox of ``ops.runs``, ledger of ``--changed``, lineage, report, and the page over all runs."""
    note = frozenset({GET, PUT})
    found = Access.to([f"runs/{job.family}/{job.short_name}/*"], note)
    found |= Access.to(["reports/_index/*"], note)
    found |= Access.to(
        [
            *("runs/_pending/*", f"{event_folder(job)}/*"),
            *(f"reports/{job.family}/{job.short_name}/*", "reports/index.html"),
        ],
        frozenset({PUT}),
    )
    if job.takes_changed:
        found |= Access.to([f"runs/_changed/{job.name}.json"], note)
    return found


def _written(tables: list[Table]) -> Access:
    """Tables with their leases, and the folders of a table that is not there yet."""
    found = Access.to([f"{table.relative_path}/*" for table in tables], _LARGE)
    found |= Access.to([f"{lease_folder(table.name)}*" for table in tables], _SMALL)
    return found | _made([table.relative_path for table in tables])


def _made(folders: Iterable[str]) -> Access:
    """What S3A asks when it makes folders: of each, and of each above it, whether it is a file, then what is in it."""
    paths = {"/".join(parts[:end]) for parts in (one.split("/") for one in folders) for end in range(1, len(parts) + 1)}
    above = {"", *(f"{path.rpartition('/')[0]}/" for path in paths if "/" in path)}
    return Access.to(sorted(paths), frozenset({GET})) | Access(listed=frozenset(above))


def _models(reads: list[Table], writes: list[Table]) -> Access:
    """Model files: a table ``<family>.models`` is the catalogue of what lies below ``models/<family>``."""
    found = Access()
    for tables, actions in ((reads, frozenset({GET})), (writes, frozenset({GET, PUT}))):
        folders = [f"models/{table.family}/*" for table in tables if table.short_name == "models"]
        found |= Access.to(folders, actions)
    return found


def _upkeep() -> Access:
    """Every table, whatever its name, with its leases; old staged rows; the outbox; what ingests have not finished."""
    found = Access.to([f"{layer}/*" for layer in LAYERS], _LARGE) | Access.to(["_leases/*"], _SMALL) | _made(LAYERS)
    found |= Access.to(["_staging/*"], frozenset({DELETE}), is_listed=True)
    return found | Access.to(["runs/_pending/*"], _SMALL) | Access.to(["_batches/*"], frozenset({GET}))
