"""The part of an exported DAG file that is the same for all: it imports Airflow, never the suite."""

HEAD = '''"""{description}

Written by `lakejobs graph --format airflow`; write it again instead of changing it.
"""

import hashlib
import json
import re
from datetime import date, datetime, timedelta, timezone

{operator_import}
from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, CronDataIntervalTimetable

NAME = {name!r}
# Exit codes of a job that another try may help: another run held its table, or storage failed for now.
RETRIED = {retried!r}
# Where each job leaves the record of its run, which says the exit code: no service does.
RECORDS = {records}


def day_of(dag_run):
    """The day that a run is for: "day" of its conf, else that of its data interval, else the one before it."""
    given = (dag_run.conf or {{}}).get("day")
    if given:
        return date.fromisoformat(given).isoformat()
    start = dag_run.data_interval_start or dag_run.run_after - timedelta(days=1)
    return start.astimezone(timezone.utc).date().isoformat()


def run_of(dag_run):
    """The name of the work, under which another try finds what the last one left: "run" of its conf, and the day."""
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", str((dag_run.conf or {{}}).get("run") or NAME))
    return f"{{name[:80]}}-{{day_of(dag_run)}}"


def token_of(ti, dag_run, place):
    """Sent twice by one try it is one run; another try is another run, never the old answer."""
    identity = json.dumps([ti.task_id, place, run_of(dag_run), dag_run.run_id, ti.try_number])
    return hashlib.sha256(identity.encode()).hexdigest()


class Judged:
    """Fails for good where the run record says that another try helps nothing. Without a record it is tried again."""

    def execute(self, context, **more):
        return self._judged(context, super().execute, context, **more)

    def resume_execution(self, next_method, next_kwargs, context):
        return self._judged(context, super().resume_execution, next_method, next_kwargs, context)

    def _judged(self, context, action, *words, **more):
        try:
            return action(*words, **more)
        except AirflowFailException:
            raise
        except Exception as error:
            record = self._record(context)
            if record.get("status") == "failed" and record.get("exit_code") not in RETRIED:
                raise AirflowFailException(
                    f"{{self.task_id}} ended with exit code {{record['exit_code']}}: another try would not help."
                ) from error
            raise

    def _record(self, context):
        place = RECORDS.get(self.task_id)
        if not place:
            return {{}}
        bucket, key = place
        try:
            hook = S3Hook(aws_conn_id=self.aws_conn_id, region_name=self.region_name)
            return json.loads(hook.read_key(key.replace("RUN_ID", run_of(context["dag_run"])), bucket))
        except Exception as error:
            self.log.warning("The record of the run could not be read: %s", type(error).__name__)
            return {{}}


class Job(Judged, {operator}):
    template_fields = {template_fields}
    # An argument that ends in .json is an argument, not the name of a template.
    template_ext = ()


with DAG(
    dag_id=NAME,
    description={description!r},
    schedule={schedule},
    start_date={start},
    catchup={catchup},
    max_active_runs=1,
    user_defined_macros={{"day_of": day_of, "run_of": run_of, "token_of": token_of}},
    tags=["lakejobs"],
):
'''
