"""Checks the chart. Called by check.sh: check.py HELM CRDS [--update]."""

import json
import pathlib
import subprocess
import sys
import tempfile

import yaml

import objects
import refusals
import schemas

chart = pathlib.Path("helm/kefu")
golden = pathlib.Path("tests/helm/golden")
# The oldest that Chart.yaml allows, and a newer one.
VERSIONS = ["1.30.0", "1.34.0"]
EXAMPLES = sorted((chart / "examples").glob("*.yaml"))
# Bodies of dashboards and alerts are compared with their files; golden files hold the chart's own part.
WITHOUT_FILES = ["dashboards.enabled=false", "metrics.prometheusRule.enabled=false"]


class Report:
    """Counts what held; prints what did not, and goes on."""

    def __init__(self):
        self.held, self.failed = 0, 0

    def check(self, name, fault):
        """`fault` is None or empty when the check holds."""
        if not fault:
            self.held += 1
            return
        self.failed += 1
        print(f"FAILED {name}: {fault}")


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


class Helm:
    def __init__(self, program):
        self.program = program

    def template(self, values, *, version=VERSIONS[-1], sets=(), extra=()):
        command = [self.program, "template", "kefu", chart, "--namespace", "kefu", "--kube-version", version]
        for file in values:
            command += ["--values", file]
        for value in sets:
            command += ["--set", value]
        return run(*command, *extra)

    def render(self, values, **more):
        """The objects, or an end: what renders nothing cannot be checked any further."""
        done = self.template(values, **more)
        if done.returncode:
            sys.exit(f"helm template with {values} {more}: {done.stderr}")
        return [o for o in yaml.safe_load_all(done.stdout) if o]


def lint(helm, report):
    for example in EXAMPLES:
        done = run(helm.program, "lint", "--strict", "--kube-version", VERSIONS[-1], chart, "--values", example)
        report.check(f"helm lint --strict with {example.name}", done.returncode and done.stdout + done.stderr)
    done = run(helm.program, "lint", "--strict", "--kube-version", VERSIONS[-1], chart)
    report.check("helm lint --strict", done.returncode and done.stdout + done.stderr)
    print(f"linted with {len(EXAMPLES)} examples and with defaults")


def closed_schema(report):
    """No section of values.schema.json takes unknown keys, but those that Kubernetes or an operator checks."""
    open_ones = {"global", "affinity", "backup", "extraVolumes[]"}

    def walk(name, schema):
        if schema.get("type") == "object" and name not in open_ones:
            report.check(f"schema of {name}", "additionalProperties" not in schema and "takes unknown keys")
        for key, inner in {**schema.get("properties", {}), **schema.get("$defs", {})}.items():
            walk(key, inner)
        if "items" in schema:
            walk(f"{name}[]", schema["items"])

    walk("values", json.loads((chart / "values.schema.json").read_text(encoding="utf-8")))
    print("looked through the schema for sections that take unknown keys")


def package(helm, report):
    """A packed chart says the same as the folder: links to files outside of it are followed."""
    with tempfile.TemporaryDirectory() as folder:
        done = run(helm.program, "package", chart, "--destination", folder)
        report.check("helm package", done.returncode and done.stderr)
        packed = next(pathlib.Path(folder).glob("*.tgz"))
        example = chart / "examples/production.yaml"
        from_packed = run(helm.program, "template", "kefu", packed, "--namespace", "kefu", "--values", example,
                          "--kube-version", VERSIONS[-1])
        same = from_packed.stdout == helm.template([example]).stdout and from_packed.stdout
        report.check("the packed chart renders as the folder does", not same and (from_packed.stderr or "it differs"))
    print("packed")


def compare_golden(helm, report, update):
    """By kind and name, keys in order: another Helm may write the same objects otherwise."""
    wanted = {}
    for example in EXAMPLES:
        found = helm.render([example], sets=WITHOUT_FILES)
        found.sort(key=lambda o: (o["kind"], o["metadata"]["name"]))
        wanted[golden / example.name] = yaml.safe_dump_all(found, allow_unicode=True, width=110)
    if update:
        golden.mkdir(exist_ok=True)
        for file in golden.glob("*.yaml"):
            file.unlink()
        for file, text in wanted.items():
            file.write_text(text, encoding="utf-8")
    for file, text in wanted.items():
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as now:
            now.write(text)
            now.flush()
            diff = run("diff", "-u", "--label", str(file), "--label", "now", file, now.name)
        report.check(str(file), diff.returncode and diff.stdout[:4000] + diff.stderr
                     + "\nIf that is meant: tests/helm/check.sh --update")
    strangers = {str(f) for f in golden.glob("*")} - {str(f) for f in wanted}
    report.check("golden files without an example", strangers)
    print(f"compared with {len(wanted)} golden files")


def main():
    helm, crds, update = Helm(sys.argv[1]), sys.argv[2], sys.argv[3:] == ["--update"]
    if sys.argv[3:] and not update:
        sys.exit("usage: tests/helm/check.sh [--update]")
    report = Report()
    lint(helm, report)
    closed_schema(report)
    for example in EXAMPLES:
        kinds = {}
        for version in VERSIONS:
            found = helm.render([example], version=version)
            for o in found:
                how = schemas.validate(o, version, crds)
                report.check(f"{example.name}: {objects.name(o)} for Kubernetes {version}", how.fault)
                kinds.setdefault(how.by, set()).add(o["kind"])
        for name, fault in objects.faults(found):
            report.check(f"{example.name}: {name}", fault)
        print(f"{example.name}: {len(found)} objects, Kubernetes {' and '.join(VERSIONS)}")
        for by, names in sorted(kinds.items()):
            print(f"  by {by}: {', '.join(sorted(names))}")
    for name, fault in objects.example_faults(helm, chart):
        report.check(name, fault)
    for name, fault in refusals.faults(helm, chart):
        report.check(name, fault)
    print(f"tried {len(refusals.REFUSALS)} values that must be refused by their names")
    package(helm, report)
    compare_golden(helm, report, update)
    readme = run("helm/readme.py", "--check")
    report.check("README.md", readme.returncode and readme.stderr)
    print(f"helm: {report.held} ok, {report.failed} failed")
    sys.exit(1 if report.failed else 0)


main()
