"""Makes the report on upstream's nsqd from the results that ci/conform-upstream has gathered.

    upstream-report.py GATHERED SOURCE VERSION... [--write]

GATHERED has nsqd-VERSION.json for each version (the runner's reports), cover.txt (Go's coverage profile of 1.3.0),
and the same of nsqlookupd 1.3.0: nsqlookupd.json and cover-nsqlookupd.txt. SOURCE is nsqd/protocol_v2.go of 1.3.0. On 1.3.0 every case of level MUST must have passed. On the others
it may differ as is known. Every error return that no case reaches must have a reason in
upstream-report.unreached.txt, and so must every statement of nsqd/http.go, nsqd/stats.go and nsqlookupd/*.go, of which
the suite must reach 95%. The committed report (upstream-report.md, upstream-report.json) must name the same
differences of these versions and the same error returns; --write writes it again, and needs all versions.
"""
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
ALL = ("1.0.0-compat", "1.1.0", "1.2.0", "1.2.1", "1.3.0")
REFERENCE = "1.3.0"
LEVELS = ("MUST", "SHOULD", "QUIRK", "DEPARTURE")
GOOD = ("pass", "non-strict")
HTTP_FILES = ("http.go", "stats.go")
LOOKUP = "nsqlookupd 1.3.0"
LEAST = 95  # percent of the statements of HTTP_FILES, and of nsqlookupd
ERROR = re.compile(r'New(?:Fatal)?ClientErr\(.*?"(E_\w+)"')


def read_cases(gathered, versions):
    return {v: json.loads((gathered / f"nsqd-{v}.json").read_text())["cases"] for v in ALL if v in versions}


def read_lookup_cases(gathered):
    return json.loads((gathered / "nsqlookupd.json").read_text())["cases"]


def counts(cases):
    table = {level: {} for level in LEVELS}
    for case in cases:
        row = table[case["level"]]
        row[case["verdict"]] = row.get(case["verdict"], 0) + 1
    return table


def differences(cases):
    """What fails only sometimes is always a difference."""
    found = {}
    for c in cases:
        sometimes = c["reason"].startswith("sometimes: ")
        if c["verdict"] != "pass" or sometimes:
            found[c["id"]] = {"level": c["level"], "verdict": "sometimes" if sometimes else c["verdict"], "reason": c["reason"]}
    return found


def read_profile(path, folder, file):
    """The statement blocks of a file: (first line, column, last line, column, statements) and how often each ran."""
    blocks = {}
    pattern = re.compile(rf"/{folder}/{re.escape(file)}:(\d+)\.(\d+),(\d+)\.(\d+) (\d+) (\d+)$")
    for line in path.read_text().splitlines():
        if m := pattern.search(line):
            *place, ran = map(int, m.groups())
            blocks[tuple(place)] = blocks.get(tuple(place), 0) + ran
    return blocks


def error_returns(source, blocks):
    """Every place where protocol_v2.go makes an error for a client."""
    function = ""
    for number, line in enumerate(source.read_text().splitlines(), 1):
        if m := re.match(r"func (?:\(.*?\) )?(\w+)", line):
            function = m.group(1)
        if m := ERROR.search(line):
            inside = [(end - first, ran) for (first, _, end, _, _), ran in blocks.items() if first <= number <= end]
            yield {"line": number, "function": function, "code": m.group(1), "reached": bool(min(inside)[1])}


def read_reasons():
    """By place: the line of protocol_v2.go, or for the other files FILE:LINE."""
    lines = (HERE / "upstream-report.unreached.txt").read_text().splitlines()
    return dict(l.split(None, 1) for l in lines if l and l[0] != "#")


def statements(profile, folder, files, prefix, reasons):
    """For each file: how many statements ran, and the blocks that did not. What runs by chance has not run."""
    found = {}
    for file in files:
        blocks = read_profile(profile, folder, file)
        places = {b: f"{prefix}{file}:{b[0]}" for b in blocks}
        reached = [b for b, ran in blocks.items() if ran and not reasons.get(places[b], "").startswith("chance")]
        unreached = [places[b] for b in blocks if b not in reached]
        found[file] = {"reached": sum(b[4] for b in reached), "all": sum(b[4] for b in blocks),
                       "unreached": [{"place": u, "reason": reasons.get(u, "")} for u in unreached]}
    return found


def http_statements(gathered, reasons):
    return statements(gathered / "cover.txt", "nsqd", HTTP_FILES, "", reasons)


def lookup_statements(gathered, reasons):
    profile = gathered / "cover-nsqlookupd.txt"
    files = sorted(set(re.findall(r"/nsq/nsqlookupd/(\w+\.go):", profile.read_text())))
    return statements(profile, "nsq/nsqlookupd", files, "nsqlookupd/", reasons)


def make(gathered, source, versions):
    cases, lookup = read_cases(gathered, versions), read_lookup_cases(gathered)
    blocks = read_profile(gathered / "cover.txt", "nsqd", "protocol_v2.go")
    returns, reasons = list(error_returns(source, blocks)), read_reasons()
    for r in returns:
        reason = reasons.get(str(r["line"]), "")
        r["reached"] = r["reached"] and not reason.startswith("chance")
        if not r["reached"]:
            r["reason"] = reason
    return {
        "counts": {v: counts(c) for v, c in cases.items()},
        "differences": {v: differences(c) for v, c in cases.items()},
        "statements": {"reached": sum(b[4] for b, ran in blocks.items() if ran), "all": sum(b[4] for b in blocks)},
        "error_returns": returns,
        "http": http_statements(gathered, reasons),
        "lookup": {"counts": counts(lookup), "differences": differences(lookup), "files": lookup_statements(gathered, reasons)},
    }


def tables(report):
    """The counts of each server, by its name and version."""
    return {f"nsqd {v}": t for v, t in report["counts"].items()} | {LOOKUP: report["lookup"]["counts"]}


def wrong(report):
    """The problems that fail the check, one line each."""
    for server, table in tables(report).items():
        for verdict, n in table["MUST"].items():
            if verdict not in GOOD and server.endswith(REFERENCE):
                yield f"{server}: expected all cases of level MUST to pass, but {n} have the verdict {verdict}"
        for verdict in {v for row in table.values() for v in row} - {*GOOD, "xfail"}:
            yield f"{server}: expected pass, non-strict or xfail, but some cases have the verdict {verdict}"
    stated = set(read_reasons())
    unreached = {str(r["line"]) for r in report["error_returns"] if not r["reached"]}
    files = report["http"] | {f"nsqlookupd/{file}": f for file, f in report["lookup"]["files"].items()}
    unreached |= {u["place"] for f in files.values() for u in f["unreached"]}
    yield from (f"{n}: not reached, and upstream-report.unreached.txt has no reason" for n in sorted(unreached - stated))
    yield from (f"{n}: reached, although upstream-report.unreached.txt has a reason" for n in sorted(stated - unreached))
    for file, f in (report["http"] | {"nsqlookupd": total(report["lookup"]["files"])}).items():
        if 100 * f["reached"] < LEAST * f["all"]:
            yield f"{file}: expected the suite to reach {LEAST}% of {f['all']} statements, but it reaches {f['reached']}"


def total(files):
    return {key: sum(f[key] for f in files.values()) for key in ("reached", "all")}


TEXT = "the text behind the error code differs"


def differing(by_version):
    """A row for each case, a column for each version; the cells are numbers of reasons, which follow."""
    cases = {i: c["level"] for found in by_version.values() for i, c in found.items()}
    reasons = {}
    for found in by_version.values():
        for c in found.values():
            reasons.setdefault(c["reason"] or TEXT, len(reasons) + 1)
    yield "A number names the reason; the reasons are below. An empty cell: as 1.3.0's cases say."
    yield ""
    yield "| case | level | " + " | ".join(by_version) + " |"
    yield "|---|---|" + "--:|" * len(by_version)
    for i in sorted(cases):
        cells = [str(reasons[found[i]["reason"] or TEXT]) if i in found else "" for found in by_version.values()]
        yield f"| {i} | {cases[i]} | " + " | ".join(cells) + " |"
    yield from ("", "| reason | |", "|--:|---|")
    yield from (f"| {number} | {reason} |" for reason, number in reasons.items())


def file_row(file, f):
    return f"| {file} | {f['all']} | {f['reached']} | {100 * f['reached'] / f['all']:.1f} % |"


def file_table(folder, files):
    yield from ("| file | statements | reached | |", "|---|--:|--:|--:|")
    yield from (file_row(f"{folder}/{file}", f) for file, f in files.items())
    yield from ("", "Not reached:", "", "| place | why |", "|---|---|")
    yield from (f"| {u['place']} | {u['reason']} |" for f in files.values() for u in f["unreached"])


def lookup_text(lookup):
    """The part of the report about nsqlookupd."""
    yield from ("## The suite against upstream's nsqlookupd 1.3.0", "",
                "| level | cases | as expected | differs, as known |", "|---|--:|--:|--:|")
    for level, row in lookup["counts"].items():
        yield f"| {level} | {sum(row.values())} | {row.get('pass', 0)} | {row.get('xfail', 0)} |"
    yield from ("", "| what differs | level | why |", "|---|---|---|")
    yield from (f"| {i} | {c['level']} | {c['reason']} |" for i, c in lookup["differences"].items())
    yield from ("", *file_table("nsqlookupd", {file: f for file, f in lookup["files"].items() if f["all"]}))


def markdown(report):
    lines = ["# The suite against upstream's nsqd", "",
             "Written by `ci/conform-upstream --write`. The suite is played over TCP against releases of upstream's own",
             "server. Each difference is either a departure that nsqref makes on purpose, or what an older release does.", "",
             "| nsqd | level | cases | as expected | other error text | differs, as known |", "|---|---|--:|--:|--:|--:|"]
    for version, table in report["counts"].items():
        for level, row in table.items():
            lines.append(f"| {version} | {level} | {sum(row.values())} | {row.get('pass', 0)} "
                         f"| {row.get('non-strict', 0)} | {row.get('xfail', 0)} |")
    lines += ["", "## What differs", "", *differing(report["differences"])]
    returns, statements = report["error_returns"], report["statements"]
    reached = sum(r["reached"] for r in returns)
    causable = sum(r["reached"] or r["reason"].startswith("client") for r in returns)
    lines += ["", "## What the suite reaches of nsqd 1.3.0's protocol_v2.go", "",
              f"{statements['reached']} of {statements['all']} statements "
              f"({100 * statements['reached'] / statements['all']:.1f} %), and {reached} of {len(returns)} places that",
              f"make an error for a client (a client can cause {causable} of them). Not reached:", "",
              "| line | in | code | why |", "|--:|---|---|---|"]
    lines += [f"| {r['line']} | {r['function']} | {r['code']} | {r['reason']} |" for r in returns if not r["reached"]]
    lines += ["", "## What the suite reaches of nsqd 1.3.0's HTTP API", "", *file_table("nsqd", report["http"])]
    lines += ["", *lookup_text(report["lookup"])]
    return "\n".join(lines) + "\n"


def stale(report):
    """The parts of the committed report that differ. Counts are ignored, because they grow with every case."""
    try:
        old = json.loads((HERE / "upstream-report.json").read_text())
    except OSError:
        old = {}
    known = {v: d for v, d in old.get("differences", {}).items() if v in report["differences"]}
    was = {"differences": known, "error_returns": old.get("error_returns"), "http": old.get("http")}
    out_of_date = [key for key, value in was.items() if value != report[key]]
    lookup = old.get("lookup", {})
    parts = [key for key in ("differences", "files") if lookup.get(key) != report["lookup"][key]]
    return out_of_date + [f"{key} of nsqlookupd" for key in parts]


def main():
    gathered, source = map(pathlib.Path, sys.argv[1:3])
    versions = [word for word in sys.argv[3:] if word != "--write"]
    report = make(gathered, source, versions)
    if "--write" in sys.argv[3:] and set(versions) == set(ALL):
        (HERE / "upstream-report.json").write_text(json.dumps(report, indent=1) + "\n")
        (HERE / "upstream-report.md").write_text(markdown(report))
    problems = list(wrong(report)) + [f"the {key} in the committed report are out of date; ci/conform-upstream --write updates it" for key in stale(report)]
    print(*problems, sep="\n", end="\n" if problems else "")
    text = markdown(report)
    print(text[text.index("| nsqd"):text.index("\n\n## What differs")])
    print(text[text.index("protocol_v2.go\n\n") + 16:text.index(" Not reached:")])
    print(*(file_row(f"nsqd/{file}", f) for file, f in report["http"].items()), sep="\n")
    print(file_row("nsqlookupd", total(report["lookup"]["files"])))
    good = sum(row.get(v, 0) for t in tables(report).values() for row in t.values() for v in (*GOOD, "xfail"))
    print(f"{good} passed, {len(problems)} failed")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
