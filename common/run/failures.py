"""Any exception as one sentence with a code, an exit code and what to do; frames are kept apart, for ``--debug``."""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass

from common.causes import cause_of, condition_of, said_by, stack_of, text_of
from common.errors import LakejobsError
from common.run.signals import Stopped

_SAFE_RERUN = "Run the same command again: it is safe."
_JAVA_CLASS = re.compile(r"\b((?:[a-z_]\w*\.)+[A-Z]\w*(?:Exception|Error))\b")
_CONFLICT = re.compile(
    r"^(?:io\.delta|delta|org\.apache\.spark\.sql\.delta)\."
    r".*(?:Concurrent\w*|MetadataChanged|ProtocolChanged|DeltaConcurrentModification)Exception$"
)
_DENIED = re.compile(
    r"AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|Status Code: 403|\(403\)|AccessControlException|"
    r"NoCredentials|Unable to load credentials|No AWS Credentials"
)
_TRANSIENT = re.compile(
    r"SlowDown|ServiceUnavailable|RequestTimeout|RequestTimeTooSkewed|InternalError\)|Throttl|Status Code: 50[0234]|"
    r"\(50[0234]\)|503 Service|SocketTimeout|ConnectTimeout|ReadTimeout|ConnectionClosed|EndpointConnection|"
    r"[Cc]onnection reset|[Rr]ead timed out|NoHttpResponse|Unable to execute HTTP request|ExpiredToken"
)
_MISSING = re.compile(
    r"PATH_NOT_FOUND|Path does not exist|DELTA_TABLE_NOT_FOUND|DELTA_MISSING_DELTA_TABLE|DELTA_PATH_DOES_NOT_EXIST|"
    r"TABLE_OR_VIEW_NOT_FOUND|FileNotFoundException|is not a Delta table|NoSuchBucket"
)
_SHUT_DOWN = re.compile(r"SparkContext was shut down|on a stopped SparkContext")
_MEMORY = re.compile(r"OutOfMemoryError|GC overhead limit|Container killed by YARN|exceeding (physical )?memory limits")


@dataclass(frozen=True)
class Failure:
    """An exception for a person and for a scheduler. ``stack`` holds frames without messages, for ``--debug`` only."""

    code: str
    message: str
    cause: str
    remedy: str
    exit_code: int
    stack: str = ""

    def text(self) -> str:
        """The lines that a person reads."""
        lines = [f"{self.code}: {self.message}"]
        lines += [f"Cause: {self.cause}"] if self.cause else []
        lines += [f"What to do: {self.remedy}"] if self.remedy else []
        return "\n".join(lines)

    def as_dict(self) -> dict[str, str]:
        """For the run record: without the stack."""
        return {"code": self.code, "message": self.message, "cause": self.cause, "remedy": self.remedy}


def explain(error: BaseException) -> Failure:
    """The failure that ``error`` stands for; exit codes as in common.errors."""
    stack = stack_of(error)
    if isinstance(error, LakejobsError):
        return Failure(error.code, error.message, error.cause, error.remedy, error.exit_code, stack)
    if isinstance(error, Stopped | KeyboardInterrupt):
        return _stopped(error)
    if _jvm_has_gone(error):
        return Failure(
            "RUN-004",
            "The driver's JVM ended while the job was running.",
            "It was stopped or killed, or ran out of memory.",
            "Look at the end of the driver's log; give the driver more memory, then run the same command again.",
            1,
            stack,
        )
    return _classified(error, stack)


def _stopped(error: BaseException) -> Failure:
    by_hand = isinstance(error, KeyboardInterrupt)
    return Failure(
        "RUN-005",
        "The run was stopped from the keyboard." if by_hand else "The run was stopped by the system.",
        "Ctrl-C (SIGINT)." if by_hand else "SIGTERM.",
        f"The lease is released. {_SAFE_RERUN}",
        130 if by_hand else 143,
    )


def _classified(error: BaseException, stack: str) -> Failure:
    text = text_of(error)
    names = {f"{kind.__module__}.{kind.__name__}" for kind in type(error).__mro__} | set(_JAVA_CLASS.findall(text))
    cause = cause_of(error)
    said = f"{condition_of(error)} {text} {' '.join(names)}"
    if any(_CONFLICT.match(name) for name in names):
        return Failure("SPK-002", "Another writer committed first.", cause, _SAFE_RERUN, 5, stack)
    if _DENIED.search(said):
        remedy = "Check the role's rights on the bucket and the key; docs/emr.md lists what a job needs."
        return Failure("SPK-005", "Storage denied access.", cause, remedy, 1, stack)
    if isinstance(error, ConnectionError | TimeoutError) or _TRANSIENT.search(said):
        return Failure("SPK-003", "Storage or the network failed for now.", cause, _SAFE_RERUN, 75, stack)
    if _MISSING.search(said):
        remedy = "Check --input and --lake, and check that the job before this one has run."
        return Failure("SPK-004", "An input is missing.", cause, remedy, 4, stack)
    if _MEMORY.search(said):
        remedy = "Give executors or driver more memory, or run fewer days at once."
        return Failure("SPK-006", "Spark ran out of memory.", cause, remedy, 1, stack)
    if any(name.startswith(("pyspark.", "py4j.", "delta.")) for name in names):
        remedy = "Run again with --debug to see the stack."
        return Failure("SPK-001", "Spark failed.", cause, remedy, 1, stack)
    remedy = "This is a defect of the job: report it with the run record. --debug shows the stack."
    return Failure("RUN-003", "The job failed.", cause, remedy, 1, stack)


def _jvm_has_gone(error: BaseException) -> bool:
    chain: BaseException | None = error
    while chain is not None:
        if type(chain).__name__ in ("Py4JNetworkError", "Py4JAuthenticationError"):
            return True
        if isinstance(chain, OSError) and any(
            "py4j" in frame.filename for frame in traceback.extract_tb(chain.__traceback__)
        ):
            return True
        said = said_by(chain)
        if said is None or _SHUT_DOWN.search(said):
            return True
        chain = chain.__cause__ or chain.__context__
    return False
