"""What a job declares: all that an entry file says."""

from __future__ import annotations

from dataclasses import dataclass

from common.config.params import Params


@dataclass(frozen=True)
class Input:
    """A table that a job reads, as ``module:attribute``.

    ``optional``: the job also runs without the table. ``external``: no job of the suite writes it.
    The rest says what a ``step`` is given of it. A table with a day column is read for the days of the run and
    ``lookback_days`` before them, a number or the name of a parameter (or property of the parameters) that holds it;
    with ``all_days`` it is read whole, like a table without a day column. ``where`` is SQL that its rows must fulfil.

    For ``--changed`` (common.run.due): ``only_if`` names a parameter without which the table is not looked at, and
    ``day_column`` the DATE column that says on which days a table without a day column has rows.
    """

    table: str
    optional: bool = False
    external: bool = False
    lookback_days: int | str = 0
    all_days: bool = False
    where: str = ""
    only_if: str = ""
    day_column: str = ""


@dataclass(frozen=True)
class Job:
    """One entrypoint.

    ``name`` is ``<family>.<verb>``. ``body`` and the table references in ``reads`` and ``writes`` are
    ``module:attribute`` as text, imported when the run starts, so that ``--help`` answers at once. The lake refuses
    every table that is not among them. ``reads`` names all that the job looks at, its own tables of earlier runs too;
    plain text stands for an ``Input`` that is neither optional nor external. The first of ``writes`` is the table whose
    lease the run holds. A job that ``maintains_all`` works on whatever tables there are, and declares none; nor
    does one that ``examines`` the place where it runs: it has objects of its own below ``_probes/``, and a run record
    that could not be written does not stop it, because that is what it is to find out.

    A job has a ``body``, a function of the run's context, or a ``step``, a pure function of the parameters and of the
    frames of ``reads`` that gives the rows of ``writes``: a frame, or a tuple of as many frames as there are tables.
    An optional input that is not there is None. common.run.publish does the rest. Before anything is published,
    ``check`` is called: (params, *staged rows, *inputs), which gives problems in words, or raises; afterwards
    ``report``: (report, params, *published rows). Each of the three may ask by name for more, see common.run.publish.
    Every row of the first input on the days of the run must be found again in the first table; with ``balance_by``,
    columns of both, every distinct key instead. ``left_out`` names a column of the step's first frame, outside of the
    table's contract, that says why a row is left out: such rows are counted, reason by reason, and not published.

    ``next_command`` may hold ``{lake}``, ``{days}`` (``--day ...`` or ``--from ... --to ...``), ``{first}`` and
    ``{last}``, or name a function of the run's context that gives such a text; what cannot be computed is in words.
    ``plan`` names, like ``body``, a function of parameters and object store whose table (title, columns, rows) or None
    is added to ``--plan``; it must need no session. ``rehearsal`` are the flags with which the job runs on the bundled
    samples, in the demo and on every engine; they may hold ``{lake}`` and ``{samples}``. ``as_of_day``: the job works
    by day, as of a single one. ``feeds`` names the ingests that take in the files which the job writes. An ingest names
    in ``target`` the columns that its sources may map (a StructType), and in ``required`` the groups of columns of
    which a source must map one; with ``needs_key`` it makes pseudonyms.

    ``--changed`` finds the days of a job by day in the days of its inputs that were touched. With ``days_are_one`` a
    touch anywhere asks for one run over all days; with ``days_alone`` each day is a run of its own, because a run uses
    what was known when its first day began. ``days_are_chosen`` says why the job takes no ``--changed``.
    """

    name: str
    summary: str
    params: type[Params]
    body: str = ""
    reads: tuple[Input | str, ...] = ()
    writes: tuple[str, ...] = ()
    step: str = ""
    check: str = ""
    report: str = ""
    left_out: str = ""
    balance_by: tuple[str, ...] = ()
    by_day: bool = True
    ingests: bool = False
    target: str = ""
    required: str = ""
    needs_key: bool = False
    examples: tuple[str, ...] = ()
    next_command: str = ""
    plan: str = ""
    maintains_all: bool = False
    examines: bool = False
    rehearsal: tuple[str, ...] = ()
    as_of_day: bool = False
    feeds: tuple[str, ...] = ()
    days_are_one: bool = False
    days_alone: bool = False
    days_are_chosen: str = ""

    def __post_init__(self) -> None:
        family, _, verb = self.name.partition(".")
        if not (family.isidentifier() and verb.isidentifier()):
            raise ValueError(f"a job is named <family>.<verb>, not '{self.name}'")
        tables = (*(one.table for one in self.inputs), *self.writes)
        if bool(self.body) == bool(self.step):
            raise ValueError(f"{self.name}: a job has either a body or a step")
        functions = (self.body, self.step, self.check, self.report, self.plan)
        for reference in (*filter(None, functions), *tables):
            if len(reference.split(":")) != 2:
                raise ValueError(f"{self.name}: '{reference}' is not module:attribute")
        if (self.maintains_all or self.examines) and tables:
            raise ValueError(f"{self.name}: a job that maintains all tables, or examines, declares none")
        self._check_step()
        self._check_changed()

    def _check_changed(self) -> None:
        for one in self.inputs:
            if one.only_if and one.only_if not in self.params.model_fields:
                raise ValueError(f"{self.name}: only_if names '{one.only_if}', which is no parameter of the job")
        if (self.days_are_one or self.days_are_chosen) and not self.by_day:
            raise ValueError(f"{self.name}: days_are_one and days_are_chosen go with by_day")

    def _check_step(self) -> None:
        if self.step and not (self.reads and self.writes):
            raise ValueError(f"{self.name}: a step reads and writes at least one table")
        if not self.step and (self.check or self.report or self.left_out or self.balance_by):
            raise ValueError(f"{self.name}: check, report, left_out and balance_by go with a step")
        for name in (one.lookback_days for one in self.inputs if isinstance(one.lookback_days, str)):
            if name not in self.params.model_fields and not isinstance(getattr(self.params, name, None), property):
                raise ValueError(f"{self.name}: lookback_days names '{name}', which is no parameter of the job")

    @property
    def inputs(self) -> tuple[Input, ...]:
        """All of ``reads``, those given as text too."""
        return tuple(Input(one) if isinstance(one, str) else one for one in self.reads)

    @property
    def takes_changed(self) -> bool:
        """Whether the job finds its days with ``--changed``."""
        return self.by_day and not self.ingests and not self.days_are_chosen and bool(self.reads)

    @property
    def family(self) -> str:
        """``clickstream`` of ``clickstream.sessionise``."""
        return self.name.partition(".")[0]

    @property
    def short_name(self) -> str:
        """``sessionise`` of ``clickstream.sessionise``."""
        return self.name.partition(".")[2]
