"""What a job declares: all that an entry file says."""

from __future__ import annotations

from dataclasses import dataclass

from common.config.params import Params


@dataclass(frozen=True)
class Input:
    """A table that a job reads, as ``module:attribute``.

    ``optional``: the job also runs where the table is not there. ``external``: no job of the suite writes it.
    """

    table: str
    optional: bool = False
    external: bool = False


@dataclass(frozen=True)
class Job:
    """One entrypoint.

    ``name`` is ``<family>.<verb>``. ``body`` and the table references in ``reads`` and ``writes`` are
    ``module:attribute`` as text, imported when the run starts, so that ``--help`` answers at once. The lake refuses
    every table that is not among them. ``reads`` names all that the job looks at, its own tables of earlier runs too;
    plain text stands for an ``Input`` that is neither optional nor external. The first of ``writes`` is the table whose
    lease the run holds. A job that ``maintains_all`` works on whatever tables there are, and declares none.
    ``next_command`` may hold ``{lake}``, ``{days}`` (``--day ...`` or ``--from ... --to ...``), ``{first}`` and
    ``{last}``, or name a function of the run's context that gives such a text; what cannot be computed is in words.
    ``plan`` names, like ``body``, a function of parameters and object store whose table (title, columns, rows) is
    added to ``--plan``; it must need no session.
    """

    name: str
    summary: str
    params: type[Params]
    body: str
    reads: tuple[Input | str, ...] = ()
    writes: tuple[str, ...] = ()
    by_day: bool = True
    ingests: bool = False
    examples: tuple[str, ...] = ()
    next_command: str = ""
    plan: str = ""
    maintains_all: bool = False

    def __post_init__(self) -> None:
        family, _, verb = self.name.partition(".")
        if not (family.isidentifier() and verb.isidentifier()):
            raise ValueError(f"a job is named <family>.<verb>, not '{self.name}'")
        tables = (*(one.table for one in self.inputs), *self.writes)
        for reference in (self.body, *tables, *([self.plan] if self.plan else [])):
            if len(reference.split(":")) != 2:
                raise ValueError(f"{self.name}: '{reference}' is not module:attribute")
        if self.maintains_all and tables:
            raise ValueError(f"{self.name}: a job that maintains all tables declares none")

    @property
    def inputs(self) -> tuple[Input, ...]:
        """All of ``reads``, those given as text too."""
        return tuple(Input(one) if isinstance(one, str) else one for one in self.reads)

    @property
    def family(self) -> str:
        """``clickstream`` of ``clickstream.sessionise``."""
        return self.name.partition(".")[0]

    @property
    def short_name(self) -> str:
        """``sessionise`` of ``clickstream.sessionise``."""
        return self.name.partition(".")[2]
