"""What the policies of jobs allow, and what of it the chain of jobs has no occasion for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from s3_server import BUCKET

from common.job.graph import Graph
from deploy.policies.place import Location, Place
from deploy.policies.statements import Policy, policy_of, session_policy_of

_ANY = r"s3:\w+"
_SEEN = r"s3:(GetObject|ListBucket)"
_LAYER = r"(bronze|silver|gold|quarantine|ops)"

# Action and pattern below the lake root, and why no run of the chain uses the right.
NO_OCCASION = (
    (_ANY, r"_staging/.*", "rows are put there when an audit fails, or with lake.staging: files"),
    (r"s3:AbortMultipartUpload", r".*", "no file is large enough to be sent in parts"),
    (r"s3:(Get|Delete)Object", r"_leases/.*", "nobody else holds a lease, or has left one behind"),
    (_ANY, r"(_leases/\w+\.|quarantine/\w+/)quarantine_\w+(/\*)?", "no row is rejected"),
    (_SEEN, rf"({_LAYER}(/\w+){{0,2}}/?)?", "the folder was there before, or stays away"),
    (_ANY, r"_extra/.*", "no source declares free columns"),
    (_SEEN, r"ops/\w+/\*", "no earlier release has noted batches in a table"),
    (r"s3:PutObject", r"runs/_changed/.*", "no run takes --changed, or its ledger is there"),
    (r"s3:ListBucket", r"models/\w+/\*", "every file of a model that is asked for is there"),
    (_SEEN, r"silver/clickstream/events/\*", "demand is made of sales alone"),
    (_SEEN, r"gold/forecast/reconciled/\*", "the page is of the base forecasts, and no earlier one has come true"),
    (r"s3:DeleteObject", r"landing/\w+/\*", "no day is simulated again with fewer files"),
    (_ANY, r"(bronze|silver|quarantine|_batches)/\*", "maintenance is given few tables, and finds nothing left behind"),
)


def policies(root: str, landing: str) -> dict[str, tuple[Policy, Policy]]:
    """By job, the policy of its role and that of one run on EMR Serverless, for a lake and raw files in the bucket."""
    found = {}
    for name, node in Graph.of_suite().nodes.items():
        # The fraud family takes in what its simulation has put into the lake.
        raw = f"{root}/landing/fraud/*" if node.job.family == "fraud" else f"{landing}/*"
        place = Place(
            lake=Location(BUCKET, root),
            artefacts=Location("shop-code", "lakejobs"),
            region="us-east-1",
            account="111122223333",
            inputs=((BUCKET, raw),) if node.job.ingests else (),
        )
        found[name] = (policy_of([node.job], place), session_policy_of([node.job], place))
    return found


def unexplained(unused: Sequence[tuple[str, str]], root: str) -> list[tuple[str, str]]:
    """The unused rights that ``NO_OCCASION`` does not explain."""
    return [
        (action, pattern)
        for action, pattern in unused
        if not any(
            re.fullmatch(of_action, action) and re.fullmatch(of_pattern, pattern.removeprefix(f"{root}/"))
            for of_action, of_pattern, _ in NO_OCCASION
        )
    ]
