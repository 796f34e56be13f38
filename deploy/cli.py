"""The ``lakejobs`` command: everything about the suite that a person does on a laptop or in CI."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence

from common.errors import LakejobsError, UsageError

_USAGE = """lakejobs: clickstream, fraud and forecast jobs on Delta tables.

Usage: lakejobs COMMAND [arguments]

  run FAMILY.JOB [flags]    run a job here; `lakejobs run FAMILY.JOB --help` lists its flags
  run SELECTOR... [flags]   run several jobs, each after those whose tables it reads: +JOB (with all that
                            lead to it), JOB+ (with all that follow), FAMILY.*, '*'
                            --for JOB FLAGS  flags of one job     --each-day  day by day from --from to --to
  retry [--lake ROOT]       run here what the last `run` of several jobs left
  graph [JOB] [-o json]     show which job's tables another one reads (--format tree|json|mermaid)
  graph SELECTOR... --format asl|airflow --target NAME -- [flags]
                            print a state machine of Step Functions, or a DAG file, that runs jobs in that order
  graph SELECTOR... --format emr-steps --target NAME -- --day D [flags]
                            print the request for a cluster that runs them and ends (-o shell: the command)
  jobs [-o json]            list the jobs
  package [flags]           build the code archive, entry files and manifest for a cluster
  publish --target NAME     put the build where a target takes it from: once, verified, the manifest last
  doctor [--target NAME]    say whether jobs can run there, or here: asked from here, then from inside by a tiny job
  plan JOB --target NAME -- [flags]
                            print what a run would be on EMR or YARN, and the request for it; sends nothing
  submit JOB... --target NAME -- [flags]
                            send it to EMR, once; several jobs in the order of the graph; --plan FILE; --wait
  status, wait, logs, cancel --run-id ID --target NAME
                            look after a run that was sent, from any laptop
  retry --run-id ID --target NAME
                            send a run again that ended with exit code 5 or 75
  policy JOB... [flags]     print the IAM policy with the least rights that jobs need; --trust: of their role
  infra [NAME]              list the CloudFormation templates, or print one
  cost JOB... [flags]       what jobs would cost on a cluster, on EMR Serverless and on EMR on EKS
  cost --run-id ID --target NAME
                            what a run has cost, by its service's own numbers
  cost --refresh-prices [--region R] [--output FILE]
                            write a price file from AWS's price list
  source suggest --input PATH --for JOB
                            write a source for files of your own
  source check FILE --input PATH
                            show what a source makes of files, without a lake
  tables [--lake ROOT]      list the tables of a lake: rows, size, last change
  show TABLE [flags]        print rows of a table   --where SQL  --columns A,B  --limit N  -o json|csv
  unload TABLE --to redshift|dynamodb --output DIR
                            write rows as files that Redshift or DynamoDB loads
  quarantine show JOB       print what a job rejected: file, line, column, text, reason   --reason CODE
  config schema [FILE]      print the JSON schema of all settings, or write it to a file

Examples:
  lakejobs run clickstream.sessionise --env local --day 2015-05-18
  lakejobs run +forecast.replenish --lake lake --from 2010-12-01 --to 2011-12-09
  lakejobs package --output dist --environment default
"""


def _run(arguments: Sequence[str]) -> int:
    from deploy.control.run import run

    return run(arguments)


def _retry(arguments: Sequence[str]) -> int:
    if any(word.partition("=")[0] in ("--run-id", "--target") for word in arguments):
        from deploy.remote.commands import retry as send_again

        return send_again(arguments)
    from deploy.control.run import retry

    return retry(arguments)


def _graph(arguments: Sequence[str]) -> int:
    from deploy.graph.show import main as graph

    return graph(arguments)


def _jobs(arguments: Sequence[str]) -> int:
    from deploy.package.entries import find_entries

    entries = find_entries()
    if list(arguments) == ["-o", "json"]:
        found = [{"name": entry.name, "entry": entry.relative_path, "summary": entry.summary} for entry in entries]
        print(json.dumps(found, indent=2))
    elif arguments:
        raise UsageError(
            "PKG-010", f"`lakejobs jobs` has no option '{arguments[0]}'.", remedy="The only option is -o json."
        )
    else:
        width = max((len(entry.name) for entry in entries), default=0)
        for entry in entries:
            print(f"{entry.name:<{width}}  {entry.summary}")
    return 0


def _package(arguments: Sequence[str]) -> int:
    from deploy.package.build import main as package

    return package(arguments)


def _publish(arguments: Sequence[str]) -> int:
    from deploy.package.publish import main as publish

    return publish(arguments)


def _plan(arguments: Sequence[str]) -> int:
    from deploy.targets.plan import main as plan

    return plan(arguments)


def _doctor(arguments: Sequence[str]) -> int:
    from deploy.doctor.command import doctor

    return doctor(arguments)


def _submit(arguments: Sequence[str]) -> int:
    from deploy.remote.submit import submit

    return submit(arguments)


def _status(arguments: Sequence[str]) -> int:
    from deploy.remote.commands import status

    return status(arguments)


def _wait(arguments: Sequence[str]) -> int:
    from deploy.remote.commands import wait

    return wait(arguments)


def _cancel(arguments: Sequence[str]) -> int:
    from deploy.remote.commands import cancel

    return cancel(arguments)


def _logs(arguments: Sequence[str]) -> int:
    from deploy.remote.logs import logs

    return logs(arguments)


def _policy(arguments: Sequence[str]) -> int:
    from deploy.policies.command import main as policy

    return policy(arguments)


def _infra(arguments: Sequence[str]) -> int:
    from deploy.templates.command import main as infra

    return infra(arguments)


def _cost(arguments: Sequence[str]) -> int:
    flags = {word.partition("=")[0] for word in arguments}
    if "--refresh-prices" in flags:
        from deploy.cost.refresh import main as refresh

        return refresh(arguments)
    if "--run-id" in flags:
        from deploy.cost.after import main as cost_of_run

        return cost_of_run(arguments)
    from deploy.cost.command import main as cost

    return cost(arguments)


def _tables(arguments: Sequence[str]) -> int:
    from deploy.tables.listing import main as tables

    return tables(arguments)


def _show(arguments: Sequence[str]) -> int:
    from deploy.tables.show import main as show

    return show(arguments)


def _unload(arguments: Sequence[str]) -> int:
    from deploy.unload.command import main as unload

    return unload(arguments)


def _quarantine(arguments: Sequence[str]) -> int:
    from deploy.tables.quarantine import main as quarantine

    return quarantine(arguments)


def _source(arguments: Sequence[str]) -> int:
    from deploy.feeds.command import main as source

    return source(arguments)


def _config(arguments: Sequence[str]) -> int:
    from common.job.schema import main as schema

    if not arguments or arguments[0] != "schema" or len(arguments) > 2:
        raise UsageError(
            "PKG-010", "`lakejobs config` has one subcommand: schema.", remedy="lakejobs config schema [FILE]"
        )
    return schema(arguments[1:])


_COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "run": _run,
    "retry": _retry,
    "graph": _graph,
    "jobs": _jobs,
    "package": _package,
    "plan": _plan,
    "source": _source,
    "tables": _tables,
    "show": _show,
    "quarantine": _quarantine,
    "config": _config,
    "publish": _publish,
    "doctor": _doctor,
    "submit": _submit,
    "status": _status,
    "wait": _wait,
    "logs": _logs,
    "cancel": _cancel,
    "policy": _policy,
    "infra": _infra,
    "cost": _cost,
    "unload": _unload,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(_USAGE, end="")
        return 0
    if arguments[0] == "--version":
        from common.run.console.help import version_text

        print(version_text(), end="")
        return 0
    try:
        if arguments[0] not in _COMMANDS:
            raise UsageError(
                "PKG-010",
                f"There is no command '{arguments[0]}'.",
                remedy=f"Commands: {', '.join(_COMMANDS)}; see `lakejobs --help`.",
            )
        return _COMMANDS[arguments[0]](arguments[1:])
    except LakejobsError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # The reader has seen enough (`| head`); what is still buffered goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
