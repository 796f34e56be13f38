"""Writes DAG files of ``lakejobs graph --format airflow`` for every kind of target, and what Airflow should find there.

Usage: airflow_dags.py FOLDER
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path

from common.job.graph import Graph
from deploy.cli import main
from deploy.package.build import build

_ON_EMR = (
    "{artifacts: s3://code/lakejobs, lake: s3://shop/prod, env: prod, role_arn: 'arn:aws:iam::111122223333:role/run', "
)
_TARGETS = f"""
serverless: {_ON_EMR} kind: emr-serverless, application_id: 00f1abcdefgh, region: eu-west-1}}
eks: {_ON_EMR} kind: emr-eks, virtual_cluster_id: abcdefgh1234, max_attempts: 2}}
steps: {_ON_EMR} kind: emr-step, cluster_id: j-1ABCDEFGHIJKL}}
"""
_SELECTORS = {
    "serverless": ["forecast.history", "forecast.predict", "maintenance.maintain"],
    "eks": ["*"],
    "steps": ["*"],
}
_FLAGS = ["--set", "lake.pseudonym_key=secret://aws/lakejobs/key", "--for", "fraud.simulate", "--set", "customers=60"]


def write(folder: Path) -> None:
    """Fill ``dags/`` and ``expected.json``: DAG -> job -> the jobs before it."""
    (folder / "dags").mkdir(parents=True, exist_ok=True)
    archive = folder / "environment-default-x86_64-0123456789ab.tar.gz"
    archive.write_bytes(b"")
    build(folder / "dist", [archive])
    (folder / "targets.yaml").write_text(_TARGETS)
    graph, expected = Graph.of_suite(), {}
    files = ["--targets", str(folder / "targets.yaml"), "--manifest", str(folder / "dist" / "manifest.json")]
    for target, selectors in _SELECTORS.items():
        more = [] if target == "serverless" else _FLAGS[2:]
        line = ["graph", *selectors, "--format", "airflow", "--target", target, "--name", target]
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            code = main([*line, "--start", "2026-11-01", *files, "--", *_FLAGS[:2], *more])
        assert code == 0
        (folder / "dags" / f"{target}.py").write_text(printed.getvalue())
        names = [name for name in graph.selected(selectors, with_feeders=False) if ".ingest" not in name]
        expected[target] = {name: _before(graph, name, names) for name in names}
    (folder / "expected.json").write_text(json.dumps(expected))


def _before(graph: Graph, name: str, names: list[str]) -> list[str]:
    if graph.nodes[name].job.maintains_all:
        return [one for one in names if not graph.nodes[one].job.maintains_all]
    return [one for one in names if one in graph.leading_to(name, with_feeders=True)]


if __name__ == "__main__":
    write(Path(sys.argv[1]))
