"""Any exception as one sentence with a code, an exit code and what to do; the stack is kept aside."""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass

from common.errors import LakejobsError
from common.signals import Stopped

_LONGEST = 400
_SAFE_RERUN = "Run the same command again; a rerun is safe."
_JAVA_CLASS = re.compile(r"\b((?:[a-z_]\w*\.)+[A-Z]\w*(?:Exception|Error))\b")
_CAUSED_BY = re.compile(r"^\s*Caused by: (.+)$", re.MULTILINE)
_PYTHON_ERROR = re.compile(r"^((?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Warning)(?:: .*)?)$", re.MULTILINE)
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
# Spark quotes the value that it could not convert; it may be somebody's e-mail address.
_QUOTED_VALUE = re.compile(r"(?i)\b(the value|value|the input|input string:?|string) (['\"]).*?\2")


@dataclass(frozen=True)
class Failure:
    """What a person and a scheduler are told of an exception. ``stack`` is for the log and for ``--debug`` only."""

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
        """For the run record: without the stack, which may quote rows."""
        return {"code": self.code, "message": self.message, "cause": self.cause, "remedy": self.remedy}


def explain(error: BaseException) -> Failure:
    """The failure that ``error`` stands for; exit codes as in common.errors."""
    stack = "".join(traceback.format_exception(error))
    if isinstance(error, LakejobsError):
        return Failure(error.code, error.message, error.cause, error.remedy, error.exit_code, stack)
    if isinstance(error, Stopped | KeyboardInterrupt):
        return _stopped(error)
    if _jvm_has_gone(error):
        return Failure(
            "RUN-004",
            "The JVM of the driver ended under the job.",
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
        "The run was stopped by a person." if by_hand else "The run was stopped by the system.",
        "Ctrl-C (SIGINT)." if by_hand else "SIGTERM.",
        f"The lease is released. {_SAFE_RERUN}",
        130 if by_hand else 143,
    )


def _classified(error: BaseException, stack: str) -> Failure:
    text = _text(error)
    names = {f"{kind.__module__}.{kind.__name__}" for kind in type(error).__mro__} | set(_JAVA_CLASS.findall(text))
    cause = root_cause(error, text)
    condition = _condition(error)
    said = f"{condition} {text} {' '.join(names)}"
    if any(_CONFLICT.match(name) for name in names):
        return Failure("SPK-002", "Another writer won the commit.", cause, _SAFE_RERUN, 5, stack)
    if _DENIED.search(said):
        remedy = "Check the role's rights on the bucket and the key; docs/emr.md lists what a job needs."
        return Failure("SPK-005", "Storage refused the access.", cause, remedy, 1, stack)
    if isinstance(error, ConnectionError | TimeoutError) or _TRANSIENT.search(said):
        return Failure("SPK-003", "Storage or network gave up for now.", cause, _SAFE_RERUN, 75, stack)
    if _MISSING.search(said):
        remedy = "Check --input and --lake, and that the job before this one has run."
        return Failure("SPK-004", "An input is not there.", cause, remedy, 4, stack)
    if _MEMORY.search(said):
        remedy = "Give executors or driver more memory, or run fewer days at once."
        return Failure("SPK-006", "Spark ran out of memory.", cause, remedy, 1, stack)
    if any(name.startswith(("pyspark.", "py4j.", "delta.")) for name in names):
        remedy = "Run again with --debug for the whole stack."
        return Failure("SPK-001", "Spark failed.", cause, remedy, 1, stack)
    remedy = "This is a defect of the job: report it with the run record; --debug shows the stack."
    return Failure("RUN-003", "The job broke.", cause, remedy, 1, stack)


def root_cause(error: BaseException, text: str | None = None) -> str:
    """The first cause in one sentence: of Spark's chain of causes the last, of a Python worker its exception."""
    text = _text(error) if text is None else text
    worker = text.rpartition("Traceback (most recent call last)")[2] if "Traceback (most recent" in text else ""
    from_worker = _PYTHON_ERROR.findall(worker)
    if from_worker:
        return _shown(from_worker[0 if worker.count("During handling") else -1])
    chain = _CAUSED_BY.findall(text)
    if chain:
        return _shown(chain[-1])
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if lines and lines[0].startswith("An error occurred while calling") and len(lines) > 1:
        return _shown(lines[1].removeprefix(": "))
    if type(error).__module__.split(".")[0] in ("pyspark", "delta") and lines:
        return _shown(lines[0])
    return _shown(f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__)


def _shown(sentence: str) -> str:
    sentence = re.sub(r"\s+", " ", hidden_values(sentence)).strip()
    # Java packages say little to the reader: keep the class's own name.
    sentence = re.sub(r"^(?:[a-z_]\w*\.)+([A-Z]\w*)", r"\1", sentence)
    if len(sentence) > _LONGEST:
        sentence = sentence[:_LONGEST].rstrip() + "..."
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."


def hidden_values(text: str) -> str:
    """``text`` without the values that Spark's messages quote."""
    return _QUOTED_VALUE.sub(r"\1 <hidden>", text)


def _told(error: BaseException) -> str | None:
    """What an error says; None for one of a JVM that answers no more."""
    try:
        return str(error)
    except Exception:  # str() of a Java exception asks the JVM; py4j raises this or that when it is gone.
        return None


def _text(error: BaseException) -> str:
    told = _told(error)
    return f"{type(error).__name__}, which cannot be read" if told is None else told


def _condition(error: BaseException) -> str:
    """Spark's error condition, such as PATH_NOT_FOUND; its name differs between Spark 3.5 and 4."""
    for getter in ("getCondition", "getErrorClass"):
        asked = getattr(error, getter, None)
        if callable(asked):
            try:
                return str(asked() or "")
            except Exception:  # asks the JVM, which may be gone.
                return ""
    return ""


def _jvm_has_gone(error: BaseException) -> bool:
    chain: BaseException | None = error
    while chain is not None:
        if type(chain).__name__ in ("Py4JNetworkError", "Py4JAuthenticationError"):
            return True
        if isinstance(chain, OSError) and any(
            "py4j" in frame.filename for frame in traceback.extract_tb(chain.__traceback__)
        ):
            return True
        told = _told(chain)
        if told is None or _SHUT_DOWN.search(told):
            return True
        chain = chain.__cause__ or chain.__context__
    return False
