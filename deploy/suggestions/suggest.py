"""``lakejobs source suggest``: a commented source for files that nobody has described yet."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib import resources

from common.config.lake_settings import LakeSettings
from common.errors import UsageError
from common.report.wording import plural
from common.sources.mapping.model import Source
from deploy.feeds.targets import JOBS, Target, target_of
from deploy.suggestions.elements import by_element
from deploy.suggestions.layouts import Layout, layout_of
from deploy.suggestions.matching import matches
from deploy.suggestions.samples import sampled_files
from deploy.suggestions.wide import refuse_wide
from deploy.suggestions.writing import Suggestion, suggestion
from deploy.tables.lakes import add_settings_flags, parsed, settings_from

# Columns that only one known feed has, and the preset that maps it.
_KNOWN = {
    "ga4": ("clickstream.ingest", {"event_params", "user_pseudo_id", "event_timestamp"}),
    "rees46": ("clickstream.ingest", {"event_time", "event_type", "product_id", "user_session", "category_code"}),
    "online_retail_uci": ("forecast.ingest", {"InvoiceNo", "StockCode", "InvoiceDate", "UnitPrice"}),
    "fraud_handbook": ("fraud.ingest", {"TRANSACTION_ID", "TX_DATETIME", "TX_AMOUNT", "TERMINAL_ID"}),
}
# Snowplow's enriched events have 131; older trackers and shredders leave some out at the end.
_LOGS = {"load balancer": "aws_alb", "CloudFront": "aws_cloudfront", "IIS": "iis"}
_SNOWPLOW_FIELDS = 100


def main(arguments: Sequence[str]) -> int:
    """Command line: ``lakejobs source suggest --input PATH --for JOB``; the exit code."""
    parser = argparse.ArgumentParser(prog="lakejobs source suggest", description="Write a source for files.")
    parser.add_argument("--input", required=True, metavar="PATH", help="a folder, a file, a pattern, or s3://...")
    parser.add_argument("--for", required=True, dest="job", metavar="JOB", help=f"one of {', '.join(JOBS)}")
    add_settings_flags(parser)
    options = parsed(parser, arguments)
    made = suggested(options.input, target_of(options.job), settings_from(options))
    print(made.text, end="")
    _say(made, options.job, options.input)
    return 0


def suggested(location: str, target: Target, settings: LakeSettings) -> Suggestion:
    """The suggestion for the files at a location; its text is a valid source.

    Raises InputMissingError SRC-007, ContractError FED-002 and FED-004, UsageError FED-005.
    """
    files, samples = sampled_files(location, settings)
    layout = layout_of(samples, settings)
    seen = f"{plural(len(samples), 'file')} of {len(files)}" if len(files) > 1 else files[0].name
    heading = f"A source for {target.job}, suggested from {seen}: {layout.described}."
    if layout.format == "access_log":
        preset = next((name for words, name in _LOGS.items() if words in layout.described), "apache_combined")
        return _of_preset(preset, target, layout, heading)
    if layout.keys.get("options") and len(layout.columns) >= _SNOWPLOW_FIELDS and "\\t" in str(layout.keys["options"]):
        return _of_preset("snowplow", target, layout, heading)
    preset = _preset_of(target, layout)
    found = matches(target, layout.columns)
    if target.job == "forecast.ingest" and not {"sold_at", "ds"} & {one.canonical for one in found}:
        refuse_wide(layout, files[0].name)
    layout, found = by_element(target, layout, found, is_preset=bool(preset))
    if preset:
        said = f"the columns are those of the preset {preset}: --source {preset} may do as it stands"
        layout = replace(layout, doubts=(said, *layout.doubts))
    if not found:
        names = ", ".join(column.name for column in layout.columns[:30])
        raise UsageError(
            "FED-005",
            f"No column of the files looks like one of {target.job}.",
            cause=f"They have {names}." if names else "They have no columns.",
            remedy=f"Check --input and --for; the canonical columns are {', '.join(target.schema.names)}.",
        )
    made = suggestion(target, layout, found, heading)
    Source.parse(made.text, name="suggested", where="the suggested source")
    return made


def _preset_of(target: Target, layout: Layout) -> str:
    names = {column.name.partition(".")[0] for column in layout.columns}
    return next((name for name, (job, telling) in _KNOWN.items() if job == target.job and telling <= names), "")


def _of_preset(preset: str, target: Target, layout: Layout, heading: str) -> Suggestion:
    """The preset as it stands, with what the files demand besides."""
    if target.job != "clickstream.ingest":
        raise UsageError(
            "FED-005",
            f"The files hold web events ({layout.described}), nothing for {target.job}.",
            remedy="Give --for clickstream.ingest.",
        )
    text = (resources.files("conf.sources") / f"{preset}.yaml").read_text(encoding="utf-8")
    lines = [f"# {heading}", f"# It is the preset {preset}: --source {preset} does the same."]
    lines += [f"# Not certain: {doubt}" for doubt in layout.doubts]
    lines += [f"encoding: {layout.keys['encoding']}"] if "encoding" in layout.keys else []
    lines += [line for line in text.splitlines() if not line.startswith("description:")]
    made = "\n".join(lines) + "\n"
    source = Source.parse(made, name="suggested", where="the suggested source")
    return Suggestion(made, list(layout.doubts), {name: one.expr for name, one in source.columns.items()})


def _say(made: Suggestion, job: str, location: str) -> None:
    def say(text: str) -> None:
        print(text, file=sys.stderr)

    say(f"Mapped {plural(len(made.columns), 'column')} for {job}: {', '.join(made.columns)}.")
    if made.doubts:
        say("Not certain:")
        for doubt in made.doubts:
            say(f"  - {doubt}")
    say(
        f"Save it, correct what is marked with ?, and try it: lakejobs source check FILE --input {location} --for {job}"
    )
