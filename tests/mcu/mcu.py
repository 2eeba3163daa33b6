#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a device costs on a chip: code, memory, stack, and what it asks of others. Says no when that grows.

usage: mcu.py BUILD [--accept | --if-built]
BUILD holds a tree of each machine, built. --accept writes what was measured as the new baseline, if it is within the
limits. With --if-built it is no failure that there are no such trees: exit 77.
"""
import argparse
import fnmatch
import json
import pathlib
import re
import subprocess
import sys

from machines import (ASKED, BASE_BYTES_MAX, BESIDE, CAPABILITIES, DEVICE, DEVICE_LIBRARIES, DRAWN_BYTES_MAX, EXTRAS,
                      FIRMWARE, LIBRARIES, MACHINES, OTHER_LIBRARIES, PARTS, TLS_DEVICE, TLS_LIBRARIES, WEIGHED)

HERE = pathlib.Path(__file__).parent
BASELINE = HERE / "size_baseline.json"
# What a change may cost before somebody has to look.
SLACK_BYTES = 64
# Hard limits: docs/decisions/0018-chip-budgets.md says how they came about.
CORE_BYTES_MAX = 51 * 1024
STACK_BYTES_MAX = 3 * 1024
RAM_BYTES_MAX = {"chip": 21 * 1024, "pico": 14 * 1024, "nano": 12 * 1024}
TOP_SYMBOLS = 12


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def undefined_symbols(machine, tree):
    """What all objects of the libraries together leave undefined."""
    together = tree / "together.o"
    archives = [str(tree / path) for path in {**LIBRARIES, **DEVICE_LIBRARIES}.values()]
    # What is in the place of another one needs no more than that and the rest.
    run(machine.tool("ld"), *machine.ld, "-r", "--whole-archive", *archives, "-o", str(together))
    return {line.split()[-1] for line in run(machine.tool("nm"), "-u", str(together)).splitlines()}


def allowed_symbols():
    lines = (HERE / "allowed_symbols.txt").read_text().splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def linked_sections(map_file):
    """(archive, object, kind, bytes) of each section that the linker has kept, which is what a device needs."""
    text = map_file.read_text()
    # A long section's name stands on a line of its own.
    text = re.sub(r"\n (\.\S+)\n +0x", r"\n \1 0x", text[text.index("Linker script and memory map"):])
    for section, size, path in re.findall(r"^ \.(\S+) +0x[0-9a-f]+ +0x([0-9a-f]+) (\S+)$", text, re.MULTILINE):
        archive, _, member = path.rsplit("/", 1)[-1].partition("(")
        kind = re.match(r"s?(text|rodata|data|bss)\b", section)
        if kind:
            yield archive, re.sub(r"(\.cc)?\.obj\)$", "", member), kind[1], int(size, 16)


def linked_sizes(map_file, libraries):
    """{library: {section: bytes}}."""
    library_of = {path.rsplit("/", 1)[-1]: name for name, path in libraries.items()} | {"libgcc.a": "libgcc"}
    sizes = {name: {"text": 0, "rodata": 0, "data": 0, "bss": 0} for name in library_of.values()}
    for archive, _, kind, size in linked_sections(map_file):
        if archive in library_of:
            sizes[library_of[archive]][kind] += size
    return sizes


def archive_bytes(machine, archive):
    """Code and data of a whole archive."""
    table = run(machine.tool("size"), "-A", str(archive))
    return sum(map(int, re.findall(r"^\.s?(?:text|rodata|data)\S*\s+(\d+)\s", table, re.MULTILINE)))


def top_symbols(machine, elf):
    found = []
    for line in run(machine.tool("nm"), "-C", "-S", "--size-sort", "-r", str(elf)).splitlines():
        _, size, kind, name = line.split(None, 3)
        if kind in "tT" and "grid::" in name and not re.search(r"grid::(mcu|storage::Fixed)", name):
            found.append((int(size, 16), re.sub(r"\(.*", "", name)))
    return list(dict.fromkeys(found))[:TOP_SYMBOLS]


def play(machine, elf):
    """What the firmware says of itself in the emulator: numbers by name. None: it failed."""
    # Some emulators print the console of a machine on stderr.
    outcome = subprocess.run([*machine.emulator, "-kernel", str(elf)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, timeout=120)
    print(f"  {elf.stem}: " + ", ".join(outcome.stdout.split("\n")).strip(", "))
    if outcome.returncode != 0 or "PASS" not in outcome.stdout:
        return None
    return {name: int(number) for name, number in re.findall(r"^(\w+) (\d+)$", outcome.stdout, re.MULTILINE)}


def measure(machine, tree, troubles):
    """The figures of one machine, by name."""
    patterns = allowed_symbols()
    for name in sorted(undefined_symbols(machine, tree)):
        if not any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
            troubles.append(f"{machine.name}: the libraries need {name}, which is not in allowed_symbols.txt")
    figures = {}
    sizes = linked_sizes(tree / "bin" / f"{FIRMWARE['chip']}.map", LIBRARIES)
    for library, sections in sizes.items():
        figures |= {f"{library}.{section}": size for section, size in sections.items()}
    core = [sections for library, sections in sizes.items() if library != "libgcc"]
    figures["core.code"] = sum(sections["text"] + sections["rodata"] + sections["data"] for sections in core)
    figures["core.static_ram"] = sum(sections["data"] + sections["bss"] for sections in core)
    for extra, (archives, _) in EXTRAS.items():
        figures[f"{extra}.code"] = sum(archive_bytes(machine, tree / archive) for archive in archives)
    figures |= base_figures(tree / "bin") | tls_figures(machine, tree / "bin")
    for profile, firmware in FIRMWARE.items():
        said = play(machine, tree / "bin" / f"{firmware}.elf")
        if said is None:
            troubles.append(f"{machine.name}: {firmware} does not pass")
            continue
        figures[f"{profile}.stack"] = said["stack"]
        figures[f"{profile}.ram"] = device_ram(machine, tree / "bin" / WEIGHED[profile])
    for way, limits in ASKED.items():
        said = play(machine, tree / "bin" / f"asked_{way}.elf")
        if said is None:
            troubles.append(f"{machine.name}: asked_{way} does not pass")
            continue
        figures |= {f"asked_{way}.{name}": said[name] for name in limits}
    return figures


def grid_sections(map_file):
    """Those of Grid's own, but for the board's."""
    libraries = {**LIBRARIES, **DEVICE_LIBRARIES, **OTHER_LIBRARIES}
    library_of = {path.rsplit("/", 1)[-1]: name for name, path in libraries.items()}
    for archive, member, kind, size in linked_sections(map_file):
        if archive in library_of:
            yield library_of[archive], member, kind, size


def code_bytes(map_file):
    return sum(size for _, _, kind, size in grid_sections(map_file) if kind != "bss")


def base_figures(folder):
    """Code and constants of the base device, by what they are there for, and what each part adds."""
    base = folder / f"{WEIGHED['chip']}.map"
    figures = {"base.code": code_bytes(base)}
    purpose_of = {member: name for name, members in CAPABILITIES.items() for member in members}
    for library, member, kind, size in grid_sections(base):
        name = "base." + purpose_of.get(member, library)
        if kind != "bss":
            figures[name] = figures.get(name, 0) + size
    for part in PARTS:
        own = folder / f"weigh_with_{part}.map"
        beside = folder / f"weigh_with_{BESIDE[part]}.map" if part in BESIDE else base
        figures[f"part.{part}"] = code_bytes(own) - code_bytes(beside)
        if part in BESIDE:
            figures[f"{part}.drawn"] = drawn_bytes(own) - drawn_bytes(beside)
            figures[f"{part}.static_ram"] = static_bytes(own) - static_bytes(beside)
    return figures


def drawn_bytes(map_file):
    """What is linked of the compiler's library and the C library."""
    return sum(size for archive, _, kind, size in linked_sections(map_file)
               if archive in ("libgcc.a", "libc.a", "libm.a") and kind in ("text", "rodata", "data"))


def static_bytes(map_file):
    return sum(size for _, _, kind, size in grid_sections(map_file) if kind in ("data", "bss"))


def device_ram(machine, firmware):
    """All the static memory of a base device with 256 cells: its host, and what the libraries have besides."""
    return host_bytes(machine, firmware.with_suffix(".elf")) + static_bytes(firmware.with_suffix(".map"))


def host_bytes(machine, elf):
    """All the memory of a device's host."""
    sizes = [int(line.split()[1], 16) for line in run(machine.tool("nm"), "-C", "-S", str(elf)).splitlines()
             if line.endswith("(anonymous namespace)::host")]
    return max(sizes)  # There is a reference of that name, too.


def tls_figures(machine, folder):
    """What TLS adds to a device that links it: code and constants, and memory."""
    if not (folder / f"{TLS_DEVICE}.map").exists():
        return {}
    sizes = linked_sizes(folder / f"{TLS_DEVICE}.map", TLS_LIBRARIES)
    codes = {name: sections["text"] + sections["rodata"] + sections["data"]
             for name, sections in sizes.items() if name != "libgcc"}
    ram = host_bytes(machine, folder / f"{TLS_DEVICE}.elf") - host_bytes(machine, folder / f"{DEVICE}.elf")
    return {f"tls.{name}": code for name, code in codes.items()} | {"tls.code": sum(codes.values()), "tls.ram": ram}


def show(machine, figures, before):
    print(f"\n{machine.name:<12} {'text':>7} {'rodata':>7} {'data':>6} {'bss':>6} {'change':>8}")
    for library in [*LIBRARIES, "libgcc"]:
        sections = [figures[f"{library}.{section}"] for section in ("text", "rodata", "data", "bss")]
        was = [before.get(f"{library}.{section}", 0) for section in ("text", "rodata", "data", "bss")]
        text, rodata, data, bss = sections
        print(f"{library:<12} {text:>7} {rodata:>7} {data:>6} {bss:>6} {sum(sections) - sum(was):>+8}")
    for name, limit in budgets(machine).items():
        if name in figures:
            over = f"  OVER by {figures[name] - limit}" if figures[name] > limit else ""
            print(f"{name:<24} {figures[name]:>7} of {limit:>6} {figures[name] - before.get(name, 0):>+8}{over}")
    purposes = {name[5:]: size for name, size in figures.items() if name.startswith("base.") and name != "base.code"}
    by_size = sorted(purposes.items(), key=lambda purpose: -purpose[1])
    print("the base device: " + ", ".join(f"{name} {size}" for name, size in by_size))
    if "tls.code" in figures:
        parts = ", ".join(f"{name} {figures[f'tls.{name}']}" for name in TLS_LIBRARIES)
        for name, why in (("tls.code", f"  ({parts})"), ("tls.ram", "")):
            print(f"{name:<16} {figures[name]:>7} {figures[name] - before.get(name, 0):>+18}{why}")


def budgets(machine):
    return ({"core.code": CORE_BYTES_MAX, "core.static_ram": 256, "base.code": BASE_BYTES_MAX[machine.name]}
            | {f"part.{part}": limit for part, limit in PARTS.items()}
            | {f"{part}.drawn": DRAWN_BYTES_MAX for part in BESIDE}
            | {f"{part}.static_ram": 0 for part in BESIDE}
            | {f"asked_{way}.{name}": limit for way, limits in ASKED.items() for name, limit in limits.items()}
            | {f"{profile}.stack": STACK_BYTES_MAX for profile in FIRMWARE}
            | {f"{profile}.ram": limit for profile, limit in RAM_BYTES_MAX.items()}
            | {f"{extra}.code": limit for extra, (_, limit) in EXTRAS.items()})


def judge_limits(machine, figures, troubles):
    for name, limit in budgets(machine).items():
        if figures.get(name, 0) > limit:
            troubles.append(f"{machine.name}: {name} is {figures[name]}, over its limit of {limit}")


def judge_growth(machine, figures, before, troubles):
    for name in (*budgets(machine), "tls.code", "tls.ram"):
        if name in before and figures.get(name, 0) > before[name] + SLACK_BYTES:
            troubles.append(f"{machine.name}: {name} grew from {before[name]} to {figures[name]}: make it smaller, or "
                            "accept it with ./dev mcu --accept and say why in the commit")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--accept", action="store_true")
    parser.add_argument("--if-built", action="store_true")
    arguments = parser.parse_args()
    if arguments.if_built and not all((arguments.build / machine.name / "bin").exists() for machine in MACHINES):
        return 77
    baseline = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    troubles, measured = [], {}
    for machine in MACHINES:
        tree = arguments.build / machine.name
        print(f"{machine.name} in {machine.emulator[0]}:")
        figures = measured[machine.name] = measure(machine, tree, troubles)
        before = baseline.get(machine.name, {})
        show(machine, figures, before)
        largest = top_symbols(machine, tree / "bin" / f"{FIRMWARE['chip']}.elf")
        print("where the bytes go: " + ", ".join(f"{name.replace('grid::', '')} {size}" for size, name in largest))
        judge_limits(machine, figures, troubles)
        if not arguments.accept:
            judge_growth(machine, figures, before, troubles)
        print()
    reports = arguments.build / "reports"
    reports.mkdir(exist_ok=True)
    (reports / "mcu.json").write_text(json.dumps(measured, indent=2) + "\n")
    if arguments.accept and not troubles:
        BASELINE.write_text(json.dumps(measured, indent=2) + "\n")
        print(f"accepted: {BASELINE.name}")
    for trouble in troubles:
        print(f"mcu: {trouble}")
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main())
