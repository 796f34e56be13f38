"""``python -m benchmarks.fraud_scoring``: scores through Arrow against a row UDF and against xgboost by itself."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import interleaved, load_note, median_cpu_s, median_wall_s, wall_ratio
from benchmarks.results import Claim, Section, command_of, conclude

_SUITE, _BARE = "fraud.score's step", "xgboost alone, 2 threads"


def measure(data: Path) -> None:
    """Run at full size and keep the section; ``data`` is not needed, the rows are made up."""
    _ = data
    main(["--keep"])


def run(folder: Path, rows: int, slow_rows: int, pairs: int) -> Section:
    """The same model on the same rows; the row UDF gets fewer of them and is compared by rows a second."""
    from benchmarks.session_lakes import bench_session
    from jobs.fraud.scoring.steps import ModelPayload, with_reasons, with_scores
    from jobs.fraud.training.classifiers import fit
    from jobs.fraud.training.params import TrainParams
    from jobs.fraud.velocity.tables import FEATURES

    note = load_note()
    spark = bench_session()
    path = folder / f"features-{rows}"
    if not (path / "_SUCCESS").exists():
        from pyspark.sql import functions as F

        columns = [F.randn(seed).alias(name) for seed, name in enumerate(FEATURES)]
        made = spark.range(0, rows, 1, 4).select(F.col("id").cast("string").alias("transaction_id"), *columns)
        made.write.mode("overwrite").parquet(str(path))
    features = spark.read.parquet(str(path))
    sample = features.limit(20_000).toPandas()
    truth = (sample["tx_amount"] + sample["terminal_id_risk_7day_window"] > 2).to_numpy(dtype=float)
    model = fit("xgboost", sample[list(FEATURES)].to_numpy(), truth, FEATURES, TrainParams())
    payload = spark.sparkContext.broadcast(ModelPayload("bench", model.algorithm, model.features, model.files))
    few = features.limit(slow_rows).repartition(2).cache()
    few.count()
    explained = few.limit(slow_rows // 10).repartition(2).cache()
    explained.count()
    sides: dict[str, Callable[[], object]] = {
        _SUITE: lambda: _drain(with_scores(features, payload, keep=("transaction_id",))),
        _BARE: lambda: _bare(path, payload.value),
        "row UDF": lambda: _drain(_row_udf(few, payload)),
        "exact reasons": lambda: _drain(with_reasons(explained, payload, keep=("transaction_id",), reasons=3)),
    }
    _check_same(_scores(with_scores(features, payload, keep=("transaction_id",))), _bare(path, payload.value))
    _check_same(_scores(with_scores(few, payload, keep=("transaction_id",))), _scores(_row_udf(few, payload)))
    sizes = {_SUITE: rows, _BARE: rows, "row UDF": slow_rows, "exact reasons": slow_rows // 10}
    readings = interleaved(sides, pairs=pairs)
    table = [["", "rows", "CPU s", "wall s", "rows/s"]]
    for name, runs in readings.items():
        wall = median_wall_s(runs)
        table.append(
            [name, f"{sizes[name]:,}", f"{median_cpu_s(runs):.1f}", f"{wall:.1f}", f"{sizes[name] / wall:,.0f}"]
        )
    factor = rows / slow_rows
    slow = wall_ratio(readings["row UDF"], readings[_SUITE])
    faster = f"{slow.median * factor:.0f} [{slow.low * factor:.0f}, {slow.high * factor:.0f}]x"
    bare = wall_ratio(readings[_BARE], readings[_SUITE])
    return Section(
        "fraud_scoring",
        "Fraud scores",
        claims=[
            Claim("Rows a second against a row UDF", "≥ 10x", faster, slow.low * factor >= 10),
            Claim("Rows a second against xgboost alone on two threads", "≥ 0.6x", f"{bare}x", bare.at_least(0.6)),
        ],
        tables={"100 trees of depth 6 on 15 features, from Parquet, scores thrown away": table},
        notes=[
            note,
            f"{pairs} rounds, interleaved, after a warm-up; all sides were shown to give the same scores.",
            "xgboost alone reads the same files and scales them.",
            "Exact reasons cost far more than a score; the job computes them for alerts only.",
        ],
        command=command_of("fraud_scoring", rows=rows, slow_rows=slow_rows, pairs=pairs),
    )


def _scores(rows: Any) -> np.ndarray:
    return np.asarray(rows.select("score").toPandas()["score"])


def _check_same(first: np.ndarray, second: np.ndarray) -> None:
    """Equal scores in any order, up to the last digits of 32-bit floats."""
    if not np.allclose(np.sort(first), np.sort(second), rtol=0, atol=1e-6):
        raise SystemExit("the sides give other scores: no timings")


def _drain(rows: Any) -> None:
    rows.write.format("noop").mode("overwrite").save()


def _bare(path: Path, payload: Any) -> np.ndarray:
    import pyarrow.parquet as pq
    import xgboost

    from jobs.fraud.scoring.scorers import BoostedScorer
    from jobs.fraud.training.scaling import matrix_of

    scorer = BoostedScorer(payload.files, payload.features)
    booster = xgboost.Booster({"nthread": 2})
    booster.load_model(bytearray(payload.files["model.ubj"]))
    table = pq.read_table(path, columns=list(payload.features))
    return np.asarray(booster.inplace_predict(scorer._scaler.scaled(matrix_of(table, payload.features))))


def _row_udf(rows: Any, payload: Any) -> Any:
    from pyspark.sql import functions

    def score(*values: float) -> float:
        return float(payload.value.scorer().scores(np.array([values], dtype=float))[0])

    # The rival, of a kind that the suite itself forbids.
    udf = functions.udf(score, "double")  # noqa: TID251 - the rival is a row UDF
    return rows.select("transaction_id", udf(*payload.value.features).alias("score"))


def main(argv: list[str] | None = None) -> None:
    """Command line: size and rounds."""
    parser = argparse.ArgumentParser(prog="benchmarks.fraud_scoring", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--slow-rows", type=int, default=10_000, help="rows for the row UDF")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "lakejobs-bench")
    parser.add_argument("--keep", action="store_true", help="write the section for docs/benchmarks.md")
    arguments = parser.parse_args(argv)
    section = run(arguments.folder, arguments.rows, arguments.slow_rows, arguments.pairs)
    conclude(section, keep_it=arguments.keep)


if __name__ == "__main__":
    main()
