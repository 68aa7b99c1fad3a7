"""Writes tests/golden/data/metrics.json: labels and probabilities with scikit-learn's and SciPy's answers.

    python scripts/make_metrics_golden.py            (scikit-learn 1.9.1, SciPy 1.17.1)
"""
import json
import pathlib

import numpy as np
import scipy.stats
import sklearn.metrics as sk


def delong(positive, score, other):
    """AUC, its variance, and z and p of the difference to `other`, by the definition (DeLong et al. 1988)."""

    def parts(values):
        x, y = values[positive], values[~positive]
        psi = (x[:, None] > y[None]) + 0.5 * (x[:, None] == y[None])
        return psi.mean(1), psi.mean(0)

    both = [parts(score), parts(other)]
    s10, s01 = (np.cov([both[0][k], both[1][k]]) for k in (0, 1))
    s = s10 / positive.sum() + s01 / (~positive).sum()
    z = (both[0][0].mean() - both[1][0].mean()) / np.sqrt(s[0, 0] + s[1, 1] - 2 * s[0, 1])
    return [float(v) for v in (both[0][0].mean(), s[0, 0], z, 2 * scipy.stats.norm.sf(abs(z)))]


def ranking(truth, probabilities):
    """Of each class: average precision, sensitivity at a specificity of at least 0.9, DeLong against the next class."""
    rows = []
    for c in range(probabilities.shape[1]):
        positive, score = truth == c, probabilities[:, c]
        false_alarms, hits, _ = sk.roc_curve(positive, score, drop_intermediate=False)
        rows.append(
            {
                "average_precision": sk.average_precision_score(positive, score),
                "sensitivity": float(hits[1 - false_alarms >= 0.9].max()),
                "delong": delong(positive, score, -probabilities[:, (c + 1) % probabilities.shape[1]]),
            }
        )
    return rows


def case(name, truth, probabilities):
    count = probabilities.shape[1]
    codes = list(range(count))
    predicted = probabilities.argmax(1)
    weighted = sk.precision_recall_fscore_support(truth, predicted, labels=codes, average="weighted", zero_division=0)
    each = sk.precision_recall_fscore_support(truth, predicted, labels=codes, average=None, zero_division=0)
    auc = [
        sk.roc_auc_score(truth == c, probabilities[:, c]) if 0 < (truth == c).sum() < len(truth) else None
        for c in codes
    ]
    return {
        "name": name,
        "truth": truth.tolist(),
        "probabilities": probabilities.tolist(),
        "accuracy": sk.accuracy_score(truth, predicted),
        "confusion": sk.confusion_matrix(truth, predicted, labels=codes).tolist(),
        "weighted": list(weighted[:3]),
        "precision": each[0].tolist(),
        "recall": each[1].tolist(),
        "f1": each[2].tolist(),
        "support": each[3].tolist(),
        "auc": auc,
        "brier": float(((probabilities - np.eye(count)[truth]) ** 2).sum(1).mean()),
    }


def main():
    random = np.random.default_rng(3)
    cases = []
    for name, n, count, skill in [("three classes", 78, 3, 1.5), ("weak", 40, 3, 0.2), ("five classes", 60, 5, 1.0)]:
        truth = random.integers(0, count, n)
        logits = random.normal(size=(n, count)) + skill * np.eye(count)[truth]
        p = np.exp(logits)
        rounded = np.round(p / p.sum(1, keepdims=True), 3)  # equal scores occur
        cases.append(case(name, truth, rounded) | {"ranking": ranking(truth, rounded)})
    truth = np.array([0, 0, 1, 1, 0, 1])  # class 2 never occurs and is never called; class 1 is never called
    cases.append(case("absent class", truth, np.tile([[0.6, 0.3, 0.1]], (6, 1))))

    wilson = []
    for k, n in [(0, 1), (1, 1), (0, 10), (69, 78), (447, 469), (394, 402), (13, 13), (5, 9), (2000, 4020)]:
        low, high = scipy.stats.binomtest(k, n).proportion_ci(method="wilson")
        wilson.append([k, n, float(low), float(high)])
    mcnemar = [[b, c, float(scipy.stats.binomtest(b, b + c).pvalue)] for b, c in [(9, 3), (1, 8), (25, 40), (0, 6)]]

    path = pathlib.Path(__file__).parent.parent / "tests/golden/data/metrics.json"
    path.write_text(json.dumps({"cases": cases, "wilson": wilson, "mcnemar": mcnemar}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
