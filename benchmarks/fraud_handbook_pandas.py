"""The handbook's definitions in pandas, as a reference for the suite's features and metrics."""

from __future__ import annotations

import numpy as np
import pandas as pd

_WINDOWS_DAYS = (1, 7, 30)


def features_by_pandas(raw: pd.DataFrame, *, label_delay_days: int = 7) -> pd.DataFrame:
    """The 15 features of each transaction; ``raw`` has the handbook's columns and is indexed by TRANSACTION_ID.

    A customer's window of n days ends with the transaction itself; a terminal's ends the label delay earlier, and its
    risk is the share of frauds in it, 0 when it is empty. Windows are open on the left. Source: Fraud Detection
    Handbook, chapter 3, "Baseline feature transformation".
    """
    when = raw["TX_DATETIME"]
    features = pd.DataFrame(index=raw.index)
    features["tx_amount"] = raw["TX_AMOUNT"]
    features["tx_during_weekend"] = (when.dt.weekday >= 5).astype(int)
    features["tx_during_night"] = (when.dt.hour <= 6).astype(int)
    rows = raw.reset_index().sort_values(["TX_DATETIME", "TRANSACTION_ID"]).set_index("TX_DATETIME")
    by_customer, by_terminal = [], []
    for _, own in rows.groupby("CUSTOMER_ID", sort=False):
        part = {"TRANSACTION_ID": own["TRANSACTION_ID"].to_numpy()}
        for days in _WINDOWS_DAYS:
            window = own["TX_AMOUNT"].rolling(f"{days}D")
            part[f"customer_id_nb_tx_{days}day_window"] = window.count().to_numpy()
            part[f"customer_id_avg_amount_{days}day_window"] = window.mean().to_numpy()
        by_customer.append(pd.DataFrame(part))
    for _, own in rows.groupby("TERMINAL_ID", sort=False):
        part = {"TRANSACTION_ID": own["TRANSACTION_ID"].to_numpy()}
        recent = own["TX_FRAUD"].rolling(f"{label_delay_days}D")
        for days in _WINDOWS_DAYS:
            longer = own["TX_FRAUD"].rolling(f"{label_delay_days + days}D")
            count = (longer.count() - recent.count()).to_numpy()
            frauds = (longer.sum() - recent.sum()).round().to_numpy()
            part[f"terminal_id_nb_tx_{days}day_window"] = count
            part[f"terminal_id_risk_{days}day_window"] = np.divide(
                frauds, count, out=np.zeros(len(count)), where=count > 0
            )
        by_terminal.append(pd.DataFrame(part))
    for parts in (by_customer, by_terminal):
        features = features.join(pd.concat(parts).set_index("TRANSACTION_ID"))
    return features


def metrics_of_scores(test: pd.DataFrame, scores: np.ndarray, *, top_k: int) -> tuple[float, float, float]:
    """AUC, average precision and card precision at k; ``test`` has the handbook's columns.

    A card's score on a day is its highest. The compromised cards among the top k of a day are detected, and left out
    of the days after; the precision is their share of k, averaged over the days.
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    truth = test["TX_FRAUD"].to_numpy()
    cards = pd.DataFrame(
        {"day": test["TX_DATETIME"].dt.date, "card": test["CUSTOMER_ID"], "score": scores, "fraud": truth}
    )
    highest = cards.groupby(["day", "card"], as_index=False).max()
    detected: set[int] = set()
    precisions = []
    for _, own in highest.groupby("day"):
        left = own[~own["card"].isin(detected)].sort_values(["score", "card"], ascending=[False, True])
        found = left.head(top_k).query("fraud == 1")["card"]
        detected.update(found)
        precisions.append(len(found) / top_k)
    return (
        float(roc_auc_score(truth, scores)),
        float(average_precision_score(truth, scores)),
        float(np.mean(precisions)),
    )
