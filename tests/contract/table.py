"""Writes README.md of this folder from what `run --report` measured; nothing in it is written by hand."""

import json
import platform
import subprocess
import sys
from pathlib import Path

NAMES = {"rust": "Rust", "c": "C", "cpp": "C++", "go": "Go", "js": "TypeScript", "python": "Python"}

HEAD = """# The contract, in every language

Written by `WITGATE=target/release/witgate tests/contract/run --report`, which fails when a policy answers otherwise than its
case says.

Each folder here but `outside` is a kind, and in it one folder for each case: `case.json` is what a plugin is told, `verdict.json` what it
has to answer, byte for byte; only the words in which it refuses settings are its own, as long as they name the setting. The
same six policies (an API key, an access token, a check of fields, weights, a back-off, a redactor) are written in each
language: they are the templates of `witgate plugin new`, in `sdk/<language>/template`.
`outside` has one that asks for keys and the network, for TypeScript and Python, whose runtimes would ask for more.

- **fresh**: a call in a new instance, `configure` included, which is the default. **kept**: a call in an instance that was
  kept from the call before, which `reuse = N` allows. **instance**: the difference, which is what making and configuring
  one costs. Medians, on one core, beside a plugin that does nothing: a ratio of the
  same run says more than the time.
- **memory** is the instance's, after the call. **imports** are those besides Witgate's own. None of them needs a grant: the
  gate answers the runtimes of languages with an empty environment, a closed input and an output that goes to its log.
"""


def read(work: Path, name: str, what: str) -> dict:
    return json.loads((work / f"{name}.{what}.json").read_text())


def size(number: int) -> str:
    return f"{number / 1024:,.0f} KiB" if number < 1 << 20 else f"{number / (1 << 20):,.1f} MiB"


def row(work: Path, language: str, kind: str) -> str:
    name = f"{language}-{kind}"
    built, tested, bench = (read(work, name, what) for what in ("build", "test", "bench"))
    found, ran = read(work, name, "inspect"), read(work, name, "run")
    p50 = {line["what"]: line["p50"] for line in bench["micros"]}
    fresh, kept = p50["plugin, fresh instance"], p50["plugin, kept instance"]
    fresh_ratio = fresh / p50["nothing, fresh instance"]
    kept_ratio = kept / p50["nothing, kept instance"]
    foreign = [name for name in found["imports"] if not name.startswith("witgate:")]
    wants = f"{len(foreign)}: " + ", ".join(sorted({name.split("@")[0] for name in foreign})) if foreign else "none"
    if found["grants"]:
        wants += "; to be granted: " + ", ".join(found["grants"])
    cells = [
        NAMES[language],
        kind,
        str(len(tested["cases"])),
        size(built["size-bytes"]),
        f"{built['seconds']:.1f} s",
        f"{fresh - kept:,.0f} µs",
        f"{fresh:,.0f} µs, {fresh_ratio:.1f} x",
        f"{kept:,.0f} µs, {kept_ratio:.1f} x",
        size(ran["memory-bytes"]),
        wants,
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    work, rest = Path(sys.argv[1]), sys.argv[2:]
    at = rest.index("--")
    languages, kinds = rest[:at], rest[at + 1 :]
    print(HEAD)
    print("| language | kind | cases | component | build | instance | fresh | kept | memory | imports |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for language in languages:
        for kind in kinds:
            print(row(work, language, kind))
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
    print(f"\nAt {commit.stdout.strip()}, on {platform.system()} {platform.machine()}. The first build of a language is longer")
    print("where it compiles the language's library (Rust), and of all it was made with what is installed already.")


main()
