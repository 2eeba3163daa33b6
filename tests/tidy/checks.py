# SPDX-License-Identifier: Apache-2.0
"""The rules of tidy, one function each: takes the tree, yields violations. The data is in rules.py."""
import pathlib
import posixpath
import re
import statistics
from dataclasses import dataclass

import rules


@dataclass(frozen=True)
class Violation:
    rule: str
    path: str
    line: int
    what: str
    cure: str


def layer_name_of(path):
    """The longest entry of rules.LAYERS that `path` is, or lies under; None if there is none."""
    parts = path.split("/")
    names = ("/".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((name for name in names if name in rules.LAYERS), None)


def library_of(header):
    return next((name for pattern, name in rules.LIBRARY_OF if re.match(pattern, header)), None)


def _may_include(path, name, header):
    """Whether `path`, of layer `name`, may include the project header `header`."""
    if posixpath.dirname(path) == posixpath.dirname(header) or layer_name_of(header) == name:
        return True
    for entry in rules.LAYERS[name].may:
        if entry == "*" or entry in (layer_name_of(header), posixpath.dirname(header)):
            return True
        if entry.endswith(".h") and pathlib.PurePosixPath(header).match(entry):
            return True
    return False


def _project_path(tree, header, quoted):
    """The path of a project header in the tree, None for one that is not of the project."""
    if not quoted and header.startswith("grid/"):
        folders = (posixpath.dirname(folder) for folder in rules.PUBLIC_FOLDERS)
        return next((f"{f}/{header}" for f in folders if f"{f}/{header}" in tree.sources), header)
    return header if quoted else None


def check_layers(tree):
    for source in tree.cpp():
        name = layer_name_of(source.path)
        if name is None:
            yield Violation("layer", source.path, 1, "lies in no layer",
                            "give its folder an entry in LAYERS of rules.py")
            continue
        for line, header, quoted in source.includes:
            project = _project_path(tree, header, quoted)
            if project is None:
                continue
            if project not in tree.sources and not project.endswith(".pb.h"):
                yield Violation("layer", source.path, line, f'there is no "{project}"',
                                "write the path from the top of the project, libraries in <>")
            elif not _may_include(source.path, name, project):
                allowed = ", ".join(rules.LAYERS[name].may) or "nothing"
                yield Violation("layer", source.path, line, f"{name} may not include {project}",
                                f"it may include {allowed}; let the caller pass it in")


def check_headers(tree):
    for source in tree.cpp():
        layer = rules.LAYERS.get(layer_name_of(source.path))
        if layer is None:
            continue
        for line, header, quoted in source.includes:
            if quoted or header.startswith("grid/"):
                continue
            check = _check_library if "." in header or "/" in header else _check_std
            yield from check(source, line, header, layer)


def _check_std(source, line, header, layer):
    if header in rules.NOWHERE_STD:
        yield Violation("std", source.path, line, f"<{header}> is used nowhere here", "docs: C++20 by allow-list")
    elif layer.std is not None and header not in layer.std:
        yield Violation("std", source.path, line, f"<{header}> allocates or asks the machine",
                        "this folder is pure: use spans over memory that the caller brought")


def _check_library(source, line, header, layer):
    library = library_of(header)
    if library is None:
        yield Violation("library", source.path, line, f"<{header}> is of no known library",
                        "project headers are written in quotes; a new library goes into LIBRARY_OF of rules.py")
    elif layer.libraries is not None and library not in layer.libraries:
        yield Violation("library", source.path, line, f"{library} may not appear in {layer_name_of(source.path)}",
                        "wrap it in the folder that is named after it")


def check_heavy(tree):
    units = {}
    for source in tree.cpp():
        for line, header, quoted in source.includes:
            library = None if quoted else library_of(header)
            if library not in rules.HEAVY or source.path.startswith("tests/"):
                continue
            if source.is_header:
                yield Violation("heavy", source.path, line, f"{library} in a header", "include it in one .cc file")
            units.setdefault(library, []).append(source.path)
    for library, paths in units.items():
        if len(paths) > rules.HEAVY_UNITS_MAX:
            yield Violation("heavy", paths[-1], 1, f"{library} is included by {', '.join(paths)}",
                            f"at most {rules.HEAVY_UNITS_MAX} translation units; wrap it")


def check_banned(tree):
    for source in tree.cpp():
        layer = rules.LAYERS.get(layer_name_of(source.path))
        for group in sorted(layer.banned) if layer else ():
            for pattern, cure in rules.BANNED[group]:
                for match in re.finditer(pattern, source.code):
                    yield Violation("banned", source.path, source.line_at(match.start()),
                                    f"{group}: {match.group().strip()}", cure)


def check_function_lines(tree):
    shipped = []
    for source in tree.cpp():
        for function in source.functions:
            if not source.path.startswith("tests/"):
                shipped.append(function.lines)
            if function.lines > rules.FUNCTION_LINES_MAX:
                yield Violation("function-lines", source.path, function.line,
                                f"{function.name} has {function.lines} lines",
                                f"at most {rules.FUNCTION_LINES_MAX}: ifs up, loops down")
    if len(shipped) < 20:
        return
    median, p90 = statistics.median(shipped), statistics.quantiles(shipped, n=10)[8]
    if median > rules.FUNCTION_LINES_MEDIAN_MAX or p90 > rules.FUNCTION_LINES_P90_MAX:
        yield Violation("function-lines", ".", 1, f"functions have {median:.0f} lines in the median, {p90:.0f} at p90",
                        f"at most {rules.FUNCTION_LINES_MEDIAN_MAX} and {rules.FUNCTION_LINES_P90_MAX}: split some")


def check_file_lines(tree):
    for source in tree.sources.values():
        count = len(source.lines) - 1
        if count > rules.FILE_LINES_MAX:
            yield Violation("file-lines", source.path, count, f"{count} lines",
                            f"at most {rules.FILE_LINES_MAX}: a file has one reason to be")


def check_columns(tree):
    for source in tree.sources.values():
        for number, line in enumerate(source.lines, 1):
            if len(line) > rules.COLUMNS_MAX:
                yield Violation("columns", source.path, number, f"{len(line)} columns",
                                f"at most {rules.COLUMNS_MAX}: ./dev fmt wraps code; wrap comments by hand")


def check_spdx(tree):
    for source in tree.sources.values():
        count = len(re.findall(r"^\W*SPDX-License-Identifier: Apache-2\.0$", source.text, re.MULTILINE))
        in_place = "SPDX-License-Identifier" in "\n".join(source.lines[:2])
        if count != 1 or not in_place:
            yield Violation("spdx", source.path, 1, f"has {count} SPDX lines",
                            "one, at the very top: SPDX-License-Identifier: Apache-2.0")


def check_head_comment(tree):
    for source in tree.cpp():
        if not source.is_header:
            continue
        head = re.match(r"// SPDX[^\n]*\n//\n// (\S[^\n]*)", source.text)
        if head is None or "\n#pragma once\n" not in source.text:
            yield Violation("head", source.path, 1, "has no head comment, or no #pragma once after it",
                            "the SPDX line, an empty // line, then what the file is for and must never know")


def check_readme(tree):
    folders = {posixpath.dirname(source.path) for source in tree.cpp()} - {""}
    for folder in sorted(folders):
        own = tree.documents.get(f"{folder}/README.md")
        if own is not None:
            yield from _check_readme_text(folder, own)
        elif not _named_by_a_parent(tree, folder):
            yield Violation("readme", folder, 1, "has no README.md, nor a line in that of a folder above",
                            "one sentence that says what it is, then `May include: ...`")


def _check_readme_text(folder, text):
    paragraphs = [part for part in re.split(r"\n\s*\n", text.strip()) if not part.lstrip().startswith("#")]
    if not paragraphs or not re.search(r"[.:](\s|$)", paragraphs[0]) or paragraphs[0].lstrip().startswith(("|", "-")):
        yield Violation("readme", f"{folder}/README.md", 1, "does not start with a sentence", "say what the folder is")
    if not re.search(r"^\W*may include", text, re.IGNORECASE | re.MULTILINE):
        yield Violation("readme", f"{folder}/README.md", 1, "has no line `May include: ...`", "say what it may include")


def _named_by_a_parent(tree, folder):
    parts = folder.split("/")
    for count in range(len(parts) - 1, 0, -1):
        readme = tree.documents.get("/".join(parts[:count]) + "/README.md")
        if readme is not None and f"{'/'.join(parts[count:])}/" in readme:
            return True
    return False


def check_todo(tree):
    roadmap = tree.documents.get("docs/roadmap.md", "")
    texts = {**{path: source.text for path, source in tree.sources.items()}, **tree.documents}
    for path, text in texts.items():
        if path.startswith("tests/tidy/") or path == "docs/roadmap.md":
            continue
        for match in re.finditer(r"\b(?:TODO|FIXME|XXX)\b(?:\(([\w-]+)\))?", text):
            if match.group(1) is None or match.group(1) not in roadmap:
                yield Violation("todo", path, text.count("\n", 0, match.start()) + 1, match.group(),
                                "do it, or write TODO(entry) with that entry in docs/roadmap.md")


def _without_code_blocks(text):
    return re.sub(r"^(```|~~~).*?^\1", lambda match: re.sub(r"[^\n]", "", match.group()), text,
                  flags=re.DOTALL | re.MULTILINE)


def check_clang_tidy(tree):
    path = tree.root / ".clang-tidy"
    text = path.read_text() if path.exists() else ""
    off = set(re.findall(r"^ +-([a-z][\w.-]+)", text, re.MULTILINE))
    reasoned = set(re.findall(r"^# ([a-z]+-[a-z-]+) {2,}\S", text, re.MULTILINE))
    for check in sorted(off ^ reasoned):
        yield Violation("clang-tidy", ".clang-tidy", 1, f"{check} is not both off and with a reason",
                        "write `# CHECK  reason` at the top for each `-CHECK`")


def check_links(tree):
    for path, text in tree.documents.items():
        text = _without_code_blocks(text)
        for match in re.finditer(r"\]\(([^)\s]+)\)", text):
            target = match.group(1).split("#")[0]
            if not target or re.match(r"[a-z]+:", target):
                continue
            if not tree.exists(posixpath.normpath(posixpath.join(posixpath.dirname(path), target))):
                yield Violation("link", path, text.count("\n", 0, match.start()) + 1, f"{target} does not exist",
                                "links are relative to the file they are in")


ALL = [check_layers, check_headers, check_heavy, check_banned, check_function_lines, check_file_lines, check_columns,
       check_spdx, check_head_comment, check_readme, check_todo, check_clang_tidy, check_links]
