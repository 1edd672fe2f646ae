#!/usr/bin/env python3
"""Misses of real reads in a simulated cache, counted by valgrind's cachegrind: writes cachegrind.json beside itself.

Needs gcc and valgrind. Each pattern is one loop in C whose only reads of memory are those of the pattern; cachegrind
gives their misses by source line. Run again after a change here: python3 test/oracles/cachegrind.py
"""
import json
import os
import re
import subprocess
import tempfile

here = os.path.dirname(os.path.abspath(__file__))

# Sizes small enough that every pattern meets the limit of some level. [bytes, ways, line]
caches = {"D1": [4096, 2, 64], "LL": [65536, 8, 64]}

# Byte offsets, as an expression in the loop counters r, i, j; loops: r < repeat, i < outer, j < inner.
patterns = {
    "stream": {"repeat": 2, "outer": 1, "inner": 4096, "offset": "4 * j"},
    "sagittal": {"repeat": 3, "outer": 40, "inner": 60, "offset": "4 * (60 * (j + 60 * i) + 7 + r)"},
    "coronal": {"repeat": 3, "outer": 40, "inner": 60, "offset": "4 * (j + 60 * (11 + r + 60 * i))"},
    # Two ways: three lines of one set chase each other out, two do not.
    "one-set": {"repeat": 5, "outer": 1, "inner": 3, "offset": "4096 * j"},
    "fits-one-set": {"repeat": 5, "outer": 1, "inner": 2, "offset": "4096 * j"},
    "scattered": {
        "repeat": 1, "outer": 1, "inner": 20000,
        "offset": "4 * ((j * 7919 + (j >> 3) * (j % 61) * 97) % 65521)",
    },
}

# A function each, with bounds from outside: nothing is unrolled, and no counter lies on the stack.
program, calls, line_of = ["#include <stdlib.h>"], [], {}
for k, (name, p) in enumerate(patterns.items()):
    program += [
        f"__attribute__((noinline)) static void pattern{k}(volatile char *a, unsigned n) {{",
        f"  for (unsigned r = 0; r < {p['repeat']}; r++)",
        f"    for (unsigned i = 0; i < {p['outer']}; i++)",
        "      for (unsigned j = 0; j < n; j++)",
        f"        (void)a[{p['offset']}];",
        "}",
    ]
    line_of[name] = len(program) - 1
    # So that no pattern finds what another left behind: walk through four times the last level.
    calls += [
        f"  known = {p['inner']};",
        f"  pattern{k}(a, known);",
        "  for (unsigned k = 0; k < 262144; k += 64) (void)a[786432 + k];",
    ]
program += ["int main(void) {", "  volatile char *a = aligned_alloc(1 << 20, 1 << 20);", "  volatile unsigned known;"]
program += [*calls, "  return 0;", "}"]

with tempfile.TemporaryDirectory() as folder:
    source, binary, out = (os.path.join(folder, f) for f in ("p.c", "p", "out"))
    with open(source, "w") as f:
        f.write("\n".join(program))
    subprocess.run(["gcc", "-g", "-O1", "-o", binary, source], check=True)
    d1, ll = (",".join(map(str, caches[k])) for k in ("D1", "LL"))
    subprocess.run(
        ["valgrind", "--tool=cachegrind", "--cache-sim=yes", f"--D1={d1}", f"--LL={ll}",
         f"--cachegrind-out-file={out}", binary],
        check=True, stderr=subprocess.DEVNULL,
    )
    current, events, rows = None, [], {}
    for line in open(out):
        if line.startswith("events:"):
            events = line.split()[1:]
        elif line.startswith("fl="):
            current = line[3:].strip()
        elif current == source and re.match(r"\d", line):
            number, *counts = map(int, line.split())
            row = rows.setdefault(number, dict.fromkeys(events, 0))
            for event, count in zip(events, counts):
                row[event] += count

version = lambda tool: subprocess.run([tool, "--version"], capture_output=True, text=True).stdout.split("\n")[0]
result = {
    "made": "by test/oracles/cachegrind.py",
    "versions": {"valgrind": version("valgrind"), "gcc": version("gcc")},
    "caches": caches,
    "patterns": {
        name: {**p, "reads": rows[line_of[name]]["Dr"], "misses": [rows[line_of[name]][k] for k in ("D1mr", "DLmr")]}
        for name, p in patterns.items()
    },
}
with open(os.path.join(here, "cachegrind.json"), "w") as f:
    text = json.dumps(result, indent=2)
    f.write(re.sub(r"\[\s+(\d+),\s+(\d+)(?:,\s+(\d+))?\s+\]", lambda m: "[" + ", ".join(filter(None, m.groups())) + "]", text))
    f.write("\n")
