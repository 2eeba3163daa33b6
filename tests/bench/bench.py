# SPDX-License-Identifier: Apache-2.0
"""What benchmarks share that are scripts: the machine and the command, figures as medians of several runs, beside a
peer where there is one, and as JSON; a folder that goes away."""
import argparse
import contextlib
import json
import os
import pathlib
import platform
import resource
import shutil
import statistics
import tempfile


def memory_of(pid, kind="VmRSS"):
    """In bytes, as the kernel has it."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return 1024 * next(int(line.split()[1]) for line in status if line.startswith(kind))


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        model = next((line.split(": ")[1].strip() for line in info if line.startswith("model name")), "unknown")
    return f"{model}, {os.cpu_count()} cores, Linux {platform.release()}"


class Figures:
    def __init__(self, full):
        self.full = full
        self.figures = []

    def tell(self, name, unit, ours, peer=None, peers=()):
        """`ours` and `peers` are of the same runs, pair by pair."""
        figure = {"name": name, "unit": unit, "median": statistics.median(ours)}
        line = f"{name:60} {figure['median']:10.1f} {unit:3} ({min(ours):.1f} to {max(ours):.1f})"
        if peers:
            ratios = [one / other for one, other in zip(ours, peers)]
            figure |= {"peer": peer, "beside": statistics.median(peers), "ratio": statistics.median(ratios)}
            line += f"   {peer} {figure['beside']:.1f}   ratio {figure['ratio']:.2f}"
            line += f" ({min(ratios):.2f} to {max(ratios):.2f})"
        print(line, flush=True)
        self.figures.append(figure)


@contextlib.contextmanager
def run(name):
    """The figures of a run, and a folder for it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true", help="large sizes")
    parser.add_argument("--json", help="a file for the figures")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    figures = Figures(options.full)
    command = name + (" --full" if options.full else "")
    load = f"{os.getloadavg()[0]:.1f}"
    print(f"machine  {machine()}, load {load}\ncommand  {command}\n", flush=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="grid-bench-"))
    try:
        yield figures, folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        said = {"machine": machine(), "load": load, "command": command, "figures": figures.figures}
        pathlib.Path(options.json).write_text(json.dumps(said), encoding="utf-8")
