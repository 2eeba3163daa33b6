#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a manual page: prose of a page.in, with options, verbs and settings as the program itself tells them.

usage: man.py PAGE.in VERSION OUT.gz PROGRAM...
In PAGE.in stand @VERSION@, and as lines of their own @OPTIONS@, @VERBS@ and @SETTINGS@. PROGRAM may have an emulator in
front of it. The page is the same bytes whenever it is made.
"""
import gzip
import os
import pathlib
import re
import subprocess
import sys

SECTIONS = ("Positionals:", "Options:", "Subcommands:")


def told(program, *arguments):
    environment = {**os.environ, "LC_ALL": "C"}
    return subprocess.run([*program, *arguments], stdout=subprocess.PIPE, text=True, check=True, env=environment).stdout


def roff(text):
    """Text as roff takes it for text."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.MULTILINE)


def entries(help_text, section):
    """(name, what it is) of a section of --help; a name that is too long has its text on the next line."""
    found = []
    inside = False
    for line in help_text.splitlines():
        if line in SECTIONS:
            inside = line == section
            continue
        if not inside or not line.strip():
            continue
        name, _, says = line.strip().partition("  ")
        if line.startswith("   "):
            found[-1] = (found[-1][0], f"{found[-1][1]} {line.strip()}".strip())
        else:
            found.append((name, says.strip()))
    return found


def bold(name):
    """The flag or verb in bold, what it takes as it is."""
    word, _, rest = name.partition(" ")
    rest = rest.replace("TEXT REQUIRED", "").replace("REQUIRED", "").replace(" ...", "...").strip()
    text = f"\\fB{roff(word).replace(',', chr(92) + 'fR, ' + chr(92) + 'fB')}\\fR"
    return f"{text} \\fI{roff(rest)}\\fR" if rest else text


def definitions(pairs):
    lines = []
    for name, says in pairs:
        lines += [".TP", bold(name), roff(says)]
    return lines


def options(program):
    return definitions(entries(told(program, "--help"), "Options:"))


def verbs(program, path=()):
    """All verbs with their own options, and verbs beneath a verb as verbs."""
    lines = []
    for name, _ in entries(told(program, *path, "--help"), "Subcommands:"):
        verb = (*path, name)
        text = told(program, *verb, "--help")
        beneath = verbs(program, verb)
        if beneath:
            lines += beneath
            continue
        usage = " ".join(re.search(r"^Usage: \S*\s?gridctl (.*)$|^Usage: (.*)$", text, re.MULTILINE)[0].split()[2:])
        own = [one for one in entries(text, "Options:") if not one[0].startswith("-h,--help")]
        lines += [f".SS {roff(usage)}", roff(text.split("\n")[0])]
        lines += definitions([*entries(text, "Positionals:"), *own])
    return lines


def settings(program):
    lines = []
    for row in told(program, "--list-settings").splitlines()[2:]:
        key, kind, built_in, taken, says = (cell.strip().strip("`") for cell in row.strip("|").split(" | "))
        lines += [".TP", f"\\fB{roff(key)}\\fR", f"{roff(says.rstrip('. '))}.", ".br",
                  f"{roff(kind[0].upper() + kind[1:])}; built in: {roff(built_in)}; taken at a {roff(taken)}."]
    return lines


def main():
    page, version, out, *program = sys.argv[1:]
    made = {"@OPTIONS@": options, "@VERBS@": verbs, "@SETTINGS@": settings}
    lines = []
    for line in pathlib.Path(page).read_text(encoding="utf-8").splitlines():
        lines += made[line](program) if line in made else [line.replace("@VERSION@", version)]
    with open(out, "wb") as file, gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed:
        packed.write(("\n".join(lines) + "\n").encode())


if __name__ == "__main__":
    main()
