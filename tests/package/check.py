#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the archive of the ESP-IDF component, twice the same, and sees whether it stands on its own: unpacked
somewhere else, it compiles for rv32imc, names everything that it needs, and its parts say the same.

usage: check.py ROOT NANOPB BUILD
Exit code 77: there is no compiler for a chip here, or no nanopb.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile

HERE = pathlib.Path(__file__).parent
ARCHIVE_BYTES_MAX = 1_000_000
README_SLACK_BYTES = 2_048
EXAMPLES = ("sensor", "actuator", "console")
TOOLS = "riscv64-unknown-elf-"


def pack(root, nanopb, folder):
    command = [sys.executable, "-B", str(root / "ports/esp32/package.py"), str(root), str(nanopb),
               str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"package: {done.stdout}{done.stderr}")
    return folder / done.stdout.split(":")[0].rsplit("/", 1)[-1]


def unpack(archive, folder):
    shutil.rmtree(folder, ignore_errors=True)
    with tarfile.open(archive) as files:
        files.extractall(folder)


def troubles_with_words(component):
    """What the files of the archive say of each other and is not so."""
    kconfig = (component / "ports/esp32/Kconfig").read_text()
    options = set(re.findall(r"^\s*config (\w+)", kconfig, re.MULTILINE))
    for example in sorted((component / "ports/esp32/examples").glob("*/main/Kconfig.projbuild")):
        options |= set(re.findall(r"^\s*config (\w+)", example.read_text(), re.MULTILINE))
    for path in sorted((component / "ports/esp32").rglob("*")):
        if path.suffix not in (".cc", ".h", ".md", ".defaults"):
            continue
        for option in re.findall(r"CONFIG_(GRID_\w+)", path.read_text()):
            if option not in options:
                yield f"{path.relative_to(component)}: there is no option {option}"
    option_and_help = r"^\s*config (GRID_\w+)\n(.*?)(?=^\s*(?:config|choice|endchoice|endmenu)\b)"
    for option, help_text in re.findall(option_and_help, kconfig, re.MULTILINE | re.DOTALL):
        if not re.search(r"RAM: .*Flash: ", help_text, re.DOTALL):
            yield f"Kconfig: the help of {option} does not say what it costs in RAM and flash"


def troubles_with_version(root, component):
    said = re.search(r'^version: "([^"]+)"', (component / "idf_component.yml").read_text(), re.MULTILINE)[1]
    built = re.search(r"project\(grid VERSION ([\d.]+)", (root / "CMakeLists.txt").read_text())[1]
    if said != built:
        yield f"idf_component.yml says version {said}, CMakeLists.txt {built}"


def compile_component(root, component, build):
    shutil.rmtree(build, ignore_errors=True)
    configure = ["cmake", "-S", str(HERE / "component"), "-B", str(build), "-G", "Ninja",
                 f"-DGRID_COMPONENT={component}", f"-DGRID_FAKE_IDF={root}/tests/unit/esp32/idf",
                 f"-DCMAKE_TOOLCHAIN_FILE={root}/cmake/rv32imc.cmake"]
    for command in (configure, ["ninja", "-C", str(build)]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"package: {' '.join(command)}\n{done.stdout[-8000:]}{done.stderr[-4000:]}")


def sizes(build, example):
    """Bytes of Grid and of the example in its firmware: what nobody calls is gone, what is ESP-IDF's is not there."""
    elf = build / f"{example}.elf"
    subprocess.run([f"{TOOLS}gcc", "-march=rv32imc", "-mabi=ilp32", "-nostdlib", "-Wl,--gc-sections", "-Wl,-eapp_main",
                    "-Wl,--unresolved-symbols=ignore-all", "-Wl,--no-warn-rwx-segments", "-o", str(elf),
                    str(build / example / f"libexample_{example}.a"), "-Wl,--undefined=app_main",
                    str(build / "grid/libgrid.a"), "-lgcc"], check=True)
    listed = subprocess.run([f"{TOOLS}size", str(elf)], capture_output=True, text=True, check=True).stdout
    text, data, bss = map(int, listed.splitlines()[-1].split()[:3])
    symbols = subprocess.run([f"{TOOLS}nm", "-S", "-C", str(elf)], capture_output=True, text=True, check=True).stdout
    host = int(re.search(r"^\w+ (\w+) b .*::host$", symbols, re.MULTILINE)[1], 16)
    return {"code": text, "ram": data + bss, "host": host}


def troubles_with_figures(component, figures):
    """What README.md says that a node and the first example take, and is not so."""
    readme = (component / "README.md").read_text()
    host = int(re.search(r"`Esp32Host<kChip>`[^|]*\| ([\d,]+)", readme)[1].replace(",", ""))
    code = int(re.search(r"all of Grid and `sensor`[^|]*\| ([\d,]+)", readme)[1].replace(",", ""))
    if host != figures["host"]:
        yield f"README.md: a host takes {figures['host']} bytes of RAM, not {host}"
    if abs(code - figures["code"]) > README_SLACK_BYTES:
        yield f"README.md: sensor takes {figures['code']} bytes of flash, not {code}"


def main():
    root, nanopb, build = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
    if shutil.which(f"{TOOLS}g++") is None or not (nanopb / "pb.h").is_file():
        print("package: skipped: no compiler for rv32imc, or no sources of nanopb (./dev package esp-idf fetches them)")
        sys.exit(77)
    archive = pack(root, nanopb, build)
    component = build / "check/unpacked/grid"
    unpack(archive, component)
    troubles = [*troubles_with_words(component), *troubles_with_version(root, component)]
    if pack(root, nanopb, build / "check/again").read_bytes() != archive.read_bytes():
        troubles.append("the same tree gives two archives")
    if archive.stat().st_size > ARCHIVE_BYTES_MAX:
        troubles.append(f"{archive.name} has more than {ARCHIVE_BYTES_MAX} bytes")
    compile_component(root, component, build / "check/rv32imc")
    print(f"{archive}: {archive.stat().st_size} bytes")
    print("unpacked, it and its examples compile for rv32imc, and take, without what is ESP-IDF's:")
    for example in EXAMPLES:
        figures = sizes(build / "check/rv32imc", example)
        print(f"  {example}: {figures['code']} of code, {figures['ram']} of static RAM")
        if example == EXAMPLES[0]:
            troubles.extend(troubles_with_figures(component, figures))
    for trouble in troubles:
        print(f"package: {trouble}")
    sys.exit(1 if troubles else 0)


if __name__ == "__main__":
    main()
