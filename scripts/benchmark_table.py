#!/usr/bin/env python3
"""Prints the tables of docs/performance.md from what scripts/benchmark.sh measured.

usage: benchmark_table.py FOLDER     a folder of build/bench/results

An iteration's time is the host's, the median over the rounds; a family's figure is the geometric mean of its
workloads' ratios to the reference: native where it ran, else QEMU. Exit code 1: checksums differ, or something failed.
"""
import json
import statistics
import sys
from pathlib import Path

FAMILIES = [
    ("int", lambda w: w.startswith("int_")),
    ("br without smc and jit", lambda w: w.startswith("br_") and w not in ("br_smc", "br_jit")),
    ("br_smc, br_jit", lambda w: w in ("br_smc", "br_jit")),
    ("x87", lambda w: w.startswith("x87_")),
    ("sse", lambda w: w.startswith("sse_")),
    ("mem", lambda w: w.startswith("mem_")),
    ("sys", lambda w: w.startswith("sys_")),
    ("real programs", lambda w: w.startswith("r_")),
    ("all", lambda w: True),
]
ORDER = ["native", "interpreter", "translator", "qemu"]


def load(folder, name):
    path = folder / f"{name}.json"
    return json.loads(path.read_text())["records"] if path.exists() else []


def row(cells):
    print("| " + " | ".join(cells) + " |")


def header(cells):
    row(cells)
    row(["---"] * len(cells))


class Results:
    """Seconds an iteration, by contestant and workload."""

    def __init__(self, records):
        samples = {}
        self.boots = {}
        self.works = []
        for r in records:
            if "work" not in r or r["host_s"] is None:
                continue
            if r["work"] == "BOOT":
                self.boots.setdefault(r["emulator"], []).append(r["host_s"])
                continue
            if r["work"] not in self.works:
                self.works.append(r["work"])
            samples.setdefault((r["emulator"], r["work"]), []).append(r["host_s"] / r["iters"])
        self.time = {key: statistics.median(values) for key, values in samples.items()}
        present = {name for name, _ in samples} | set(self.boots)
        self.names = [n for n in ORDER if n in present]
        self.reference = next((n for n in ("native", "qemu") if n in present), self.names[0] if self.names else "")

    def ratio(self, name, work):
        mine, other = self.time.get((name, work)), self.time.get((self.reference, work))
        return mine / other if mine and other else None

    def mean(self, name, works):
        """None where a workload has no figure: a mean over fewer would be another family's."""
        ratios = [self.ratio(name, w) for w in works]
        return statistics.geometric_mean(ratios) if ratios and None not in ratios else None


def shown(value, form="{:.2f}"):
    return "-" if value is None else form.format(value)


def print_families(results, pae):
    names = [n for n in results.names if n != results.reference]
    header([f"family (geometric mean, time relative to {results.reference})"] + names)
    for title, belongs in FAMILIES:
        works = [w for w in results.works if belongs(w)]
        if works:
            row([f"{title} ({len(works)})"] + [shown(results.mean(n, works)) for n in names])
    print()
    names = [n for n in results.names if n != "native"]
    header(["boot to init, seconds (median; fastest to slowest)"] + names)
    for title, boots in (("686", results.boots), ("686-pae", pae.boots)):
        cells = []
        for n in names:
            b = boots.get(n)
            cells.append(f"{statistics.median(b):.1f}; {min(b):.1f} to {max(b):.1f}" if b else "-")
        row([title] + cells)


def print_each(results, family):
    works = [w for w in results.works if w.startswith(family + "_")]
    names = [n for n in results.names if n != results.reference]
    if not works:
        return
    print()
    header([f"{family}, each", f"{results.reference}, ms an iteration"] + names)
    for w in works:
        own = results.time.get((results.reference, w))
        row([w, shown(own and own * 1000, "{:.4g}")] + [shown(results.ratio(n, w)) for n in names])


def check(records):
    """Says whether all checksums agree and lists failures; True if all is well."""
    sums, failures = {}, []
    for r in records:
        if "fail" in r:
            failures.append(f"{r['emulator']}: {r['fail']}")
        elif r["work"] != "BOOT":
            sums.setdefault(r["work"], {}).setdefault(r["checksum"], set()).add(r["emulator"])
    wrong = {w: s for w, s in sums.items() if len(s) > 1}
    print()
    print(f"Checksums of {len(sums)} workloads: " + ("all contestants agree." if not wrong else "they DIFFER:"))
    for w, s in wrong.items():
        print(f"- {w}: " + "; ".join(f"{c} ({', '.join(sorted(who))})" for c, who in s.items()))
    for f in failures:
        print(f"- FAILED {f}")
    return bool(sums) and not wrong and not failures


def counter_blocks(path):
    """The --stats texts in the order of the boots: {counter: total} each."""
    blocks = []
    for line in path.read_text().splitlines():
        if line.startswith("instructions  "):
            blocks.append({})
        words = line.rsplit(maxsplit=2)
        if blocks and len(words) == 3 and words[1].isdigit() and words[2].isdigit():
            blocks[-1][words[0].strip()] = int(words[1])
    return blocks


def print_counters(folder):
    path = folder / "counters.txt"
    if not path.exists():
        return True
    works = [r["work"] for r in load(folder, "counters") if r.get("work") not in (None, "BOOT")]
    blocks = counter_blocks(path)
    print()
    if len(blocks) != len(works) + 1:
        print(f"No counters: {len(blocks)} sets of them for {len(works)} workloads and a boot.")
        return False
    boot, *rest = blocks
    names = [n for n in boot if not n.startswith("instructions emitted")]
    print("What the translator counted in each workload, less the boot's (last row):")
    print()
    header(["workload"] + names)
    for w, block in zip(works, rest):
        row([w] + [str(block.get(n, 0) - boot[n]) for n in names])
    row(["boot"] + [str(boot[n]) for n in names])
    return True


def main():
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    records, pae = load(folder, "work"), load(folder, "boot-pae")
    if not records:
        sys.exit("benchmark_table.py: nothing was measured")
    results = Results(records)
    host = folder / "host.txt"
    if host.exists():
        rounds = 1 + max(r["round"] for r in records)
        print(f"{host.read_text().strip()}; {rounds} interleaved round{'s' * (rounds > 1)}.\n")
    print_families(results, Results(pae))
    print_each(results, "sys")
    good = check(records + pae)
    return 0 if print_counters(folder) and good else 1


if __name__ == "__main__":
    sys.exit(main())
