"""Writes the tables of docs/results.md from the committed summaries in docs/results, so that no number there is typed.

    scripts/results_page.py                                  write the tables anew
    scripts/results_page.py --check                          fail where they are not what the summaries say
    scripts/results_page.py --add RUN NAME                   keep what a run of `train` or `demo` found as docs/results/NAME.json
    scripts/results_page.py --add EXPERIMENT/summary.json NAME     the same of an experiment or a ladder

    scripts/results_page.py --add MAPS/explanations.json NAME      and of `experiment explanations`

A table stands between `<!-- table: KIND NAME -->` and `<!-- end -->`; some kinds take several names, comma-separated. Standard library only.
"""

import argparse
import json
import re
import sys
from datetime import datetime
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"
TABLE = re.compile(r"(<!-- table: (\S+) (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
KEPT = ("model", "protocol", "seed", "data_hash", "split_hash", "flags", "classes", "phases", "versions")
KEPT += ("machine", "threads", "instruction_set", "started", "finished")


def percent(share):
    return f"{100 * share:.1f}"


def table(header, rows):
    aligned = "|".join("---" if k == 0 else "--:" for k in range(len(header)))
    lines = [f"| {' | '.join(header)} |", f"|{aligned}|"]
    return "".join(line + "\n" for line in [*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def right(of):
    return f"{of['correct']} of {of['n']}"


def minutes(seconds):
    return f"{seconds / 60:.1f}"


def rows_table(summary):
    """An experiment's rows, data set by data set."""
    rows = []
    for row in summary["rows"]:
        paper = row["paper_percent"]
        low, high = row["by_groups"]
        validation = row["validation"]
        rows.append(
            (
                row["arm"],
                row["model"],
                right(validation),
                right(row["test"]),
                percent(row["test"]["correct"] / row["test"]["n"]),
                f"{percent(low)} to {percent(high)}",
                percent(row["f1"]),
                f"{paper['test']:.2f}",
                f"{row['epochs']}",
                minutes(row["seconds"]),
            )
        )
    header = ("data set", "model", "validation right", "test right", "%", "95 % interval, by groups", "F1, %")
    return table((*header, "paper's test, %", "epochs", "minutes"), rows)


def findings_table(summary):
    rows = []
    for finding in summary["findings"]:
        test = finding["mcnemar"]
        rows.append(
            (
                finding["claim"],
                right(finding["better"]),
                right(finding["other"]),
                f"{finding['points']:+.1f}",
                f"{finding['paper_points']:+.1f}",
                f"{test['p_holm']:.3f}" if test else "-",
                finding["verdict"],
            )
        )
    return table(("the paper claims", "right", "against", "points", "the paper's", "p (Holm)", ""), rows)


def gans_table(summary):
    rows = [
        (
            gan["class"],
            str(gan["steps"]),
            percent(gan["d_accuracy_real"]),
            percent(gan["d_accuracy_fake"]),
            f"{gan['similarity']:.2f} ({gan['real_similarity']:.2f})",
            "yes" if gan["collapsed"] else "no",
            minutes(gan["seconds"]),
        )
        for gan in summary["gans"]
    ]
    header = ("class", "steps", "real told right, %", "generated told right, %", "similarity (of real images)", "collapsed")
    return table((*header, "minutes"), rows)


def ladder_table(summary):
    rows = []
    for rung in summary["rungs"]:
        low, high = rung["by_groups"]
        change = rung.get("change")
        rows.append(
            (
                f"`{rung['protocol']}`",
                right(rung),
                percent(rung["accuracy"]),
                f"{percent(low)} to {percent(high)}",
                percent(rung["largest_class"]),
                "" if change is None else f"{100 * change:+.1f}",
                "" if change is None else " to ".join(f"{100 * end:.1f}" for end in rung["change_interval"]),
            )
        )
    header = ("protocol", "test images right", "%", "95 % interval, by groups", "largest class, %")
    return table((*header, "points from the rung above", "95 % interval"), rows)


def run_table(*runs):
    """Runs, each with its model's name and what sets it apart; below each the classifiers of its report, unless the next is on the same split."""
    set_by = {"seed": lambda m: m["seed"], "augment": lambda m: m["flags"]["augment"] or "none", "epochs": lambda m: m["flags"]["epochs"]}
    differing = [flag for flag, of in set_by.items() if len({of(found["manifest"]) for found in runs}) > 1]
    rows = []
    for k, found in enumerate(runs):
        metrics = found["metrics"]
        low, high = metrics["intervals"]["accuracy"]
        manifest = found["manifest"]
        name = manifest["model"]
        if differing:
            name += ", `" + " ".join(f"--{flag} {set_by[flag](manifest)}" for flag in differing) + "`"
        began, ended = (datetime.fromisoformat(manifest[key].rstrip("Z")) for key in ("started", "finished"))
        measured = (f"{metrics['auc']:.3f}", f"{metrics['ece']:.3f}", minutes((ended - began).total_seconds()))
        rows.append((name, right(metrics), percent(metrics["accuracy"]), f"{percent(low)} to {percent(high)}", *measured))
        if k + 1 < len(runs) and runs[k + 1]["manifest"]["split_hash"] == manifest["split_hash"]:
            continue
        rows += [
            (name, f"{correct} of {metrics['n']}", percent(correct / metrics["n"]), "", "", "", "")
            for name, correct in found.get("rivals", {}).items()
        ]
    return table(("classifier", "test images right", "%", "95 % interval (Wilson)", "AUC", "ECE", "minutes"), rows)


def maps_table(*summaries):
    """Maps of one trained model, each beside the same method on random weights; a centre prior last."""

    def row(name, map_, images):
        def ranged(score):
            low, high = map_[score]["interval"]
            return f"{map_[score]['mean']:.2f} ({low:.2f} to {high:.2f})"

        scores = tuple(ranged(score) for score in ("energy", "iou", "insertion", "deletion"))
        return (name, f"{map_['pointing']['hits']} of {images}", *scores, str(map_["zero_maps"]))

    rows = []
    for found in summaries:
        learned, chance, prior = found["maps"]
        at = f" at {found['layer']}" if found["layer"] else ""
        rows.append(row(found["method"] + at, learned, found["images"]))
        rows.append(row("the same, random weights", chance, found["images"]))
    rows.append(row("centre prior", prior, found["images"]))
    header = ("map", "points at the lesion", "energy inside", "IoU", "insertion", "deletion", "zero maps")
    return table(header, rows)


KINDS = {
    "rows": rows_table,
    "findings": findings_table,
    "gans": gans_table,
    "ladder": ladder_table,
    "maps": maps_table,
    "run": run_table,
}


def read(name):
    return json.loads((DOCS / "results" / f"{name}.json").read_text())


def written(page):
    def fill(match):
        begin, kind, name, end = match.groups()
        return begin + KINDS[kind](*map(read, name.split(","))) + end

    return TABLE.sub(fill, page)


def rivals(run, n):
    """Of the report's ladder of accuracies, `tables/test_accuracy.csv`: all but the model itself."""
    lines = [line.split(",") for line in (run / "tables" / "test_accuracy.csv").read_text().splitlines()[1:]]
    return {cells[0]: int(cells[1]) for cells in lines[1:]}


def add(source, name):
    source = Path(source)
    if source.is_file():
        kept = json.loads(source.read_text())
    else:
        manifest = json.loads((source / "manifest.json").read_text())
        metrics = json.loads((source / "metrics.json").read_text())
        manifest = {key: manifest[key] for key in KEPT}
        manifest["flags"].pop("weights", None)
        kept = {"manifest": manifest, "metrics": metrics, "rivals": rivals(source, metrics["n"])}
    (DOCS / "results" / f"{name}.json").write_text(json.dumps(kept, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--add", nargs=2, metavar=("RUN", "NAME"))
    options = parser.parse_args()
    if options.add:
        return add(*options.add)
    page = DOCS / "results.md"
    old = page.read_text()
    new = written(old)
    if options.check and new != old:
        sys.exit("results_page: docs/results.md is not what docs/results holds; run scripts/results_page.py")
    if not options.check:
        page.write_text(new)
    return None


main()
