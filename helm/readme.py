#!/usr/bin/env python3
"""Writes the table of values in helm/kefu/README.md from the comments of values.yaml.

  readme.py            writes it
  readme.py --check    exits 1 when the file is not as it would be written

Reads the file by lines, so that it needs nothing but Python: two spaces per level, comments above a key.
"""
import pathlib
import re
import sys

chart = pathlib.Path(__file__).parent / "kefu"
BEGIN, END = "<!-- values: made by helm/readme.py -->\n", "<!-- end of values -->\n"
KEY = re.compile(r"^( *)([A-Za-z][\w.]*):(?: +(.*))?$")


def rows(lines):
    """(path, default, text) of every key that has a default or a comment."""
    path, text, found, skip = [], [], [], None
    for number, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if not line.strip():
            text = []
            continue
        if skip is not None:
            if indent > skip:
                continue
            skip = None
        if line.lstrip().startswith("#"):
            text.append(line.lstrip("# ").rstrip())
            continue
        match = KEY.match(line)
        if not match:
            sys.exit(f"values.yaml:{number + 1}: neither comment nor key: {line}")
        path = path[: indent // 2] + [match[2]]
        name, value, words = ".".join(path), match[3], " ".join(text)
        text = []
        if value is None:
            nested = block(lines, number, indent)
            if nested is None:
                if words:
                    found.append((name, "", words))
                continue
            value, skip = nested, indent
        found.append((name, value, words))
    return found


def block(lines, number, indent):
    """The text of a list or a map of labels, written in one line; None for a section of values."""
    inner = []
    for line in lines[number + 1 :]:
        if line.strip() and len(line) - len(line.lstrip()) <= indent:
            break
        inner.append(line)
    first = inner[0].strip() if inner else ""
    return "see values.yaml" if first.startswith("- ") else None


def table(found):
    lines = ["| value | default | meaning |", "|---|---|---|"]
    for name, value, words in found:
        default = "" if value == "" else value if value == "see values.yaml" else f"`{value}`"
        words = words.replace("|", "\\|").replace("<", "&lt;")
        lines.append(f"| `{name}` | {default.replace('|', chr(92) + '|')} | {words} |")
    return "\n".join(lines) + "\n"


def main():
    readme = chart / "README.md"
    lines = (chart / "values.yaml").read_text(encoding="utf-8").splitlines()
    first = next(i for i, line in enumerate(lines) if not line.strip())  # the head is about the file
    old = readme.read_text(encoding="utf-8")
    before, rest = old.split(BEGIN)
    new = before + BEGIN + "\n" + table(rows(lines[first:])) + "\n" + END + rest.split(END)[1]
    if sys.argv[1:] == ["--check"]:
        if new != old:
            sys.exit("helm/kefu/README.md is not as values.yaml says: run helm/readme.py")
    elif sys.argv[1:]:
        sys.exit(__doc__)
    else:
        readme.write_text(new, encoding="utf-8")


main()
