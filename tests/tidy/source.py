# SPDX-License-Identifier: Apache-2.0
"""A source file as tidy sees it: its text, its code without comments and strings, its includes, its functions."""
import functools
import re
from dataclasses import dataclass

_TRIVIA = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>\w*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'',
    re.DOTALL,
)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.MULTILINE)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
_KEYWORDS = {"if", "for", "while", "switch", "return", "catch", "sizeof", "alignas", "decltype", "noexcept"}


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def _without_trivia(match):
    text = match.group()
    return _blank(text) if text.startswith("/") else '"' + _blank(text[1:-1]) + '"'


@dataclass(frozen=True)
class Function:
    name: str
    line: int
    lines: int


class Source:
    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.lines = text.split("\n")

    @property
    def is_cpp(self):
        return self.path.endswith((".cc", ".h"))

    @property
    def is_header(self):
        return self.path.endswith(".h")

    @functools.cached_property
    def code(self):
        """The text with comments, the insides of literals and directives but macros blanked: same length and lines."""
        code = _TRIVIA.sub(_without_trivia, self.text)
        return re.sub(r"^[ \t]*#[ \t]*(?!define)[^\n]*", lambda match: _blank(match.group()), code, flags=re.MULTILINE)

    @functools.cached_property
    def comments(self):
        return "\n".join(match.group() for match in _TRIVIA.finditer(self.text) if match.group().startswith("/"))

    def line_at(self, offset):
        return self.text.count("\n", 0, offset) + 1

    @functools.cached_property
    def includes(self):
        """[(line, header, quoted)]"""
        code = re.sub(r"//[^\n]*|/\*.*?\*/", lambda match: _blank(match.group()), self.text, flags=re.DOTALL)
        return [(self.line_at(m.start()), m.group(2), m.group(1) == '"') for m in _INCLUDE.finditer(code)]

    @functools.cached_property
    def functions(self):
        return list(_functions(self, _DIRECTIVE.sub(lambda match: _blank(match.group()), self.code)))


def _kind_of(head, in_parens):
    """What the brace after `head`, outside of any function, opens: a scope, a function or an initializer."""
    if in_parens:
        return "initializer"
    head = re.sub(r"\[\[.*?\]\]|\balignas\s*\([^)]*\)", " ", head)
    head = re.sub(r"\boperator\s*(\(\s*\)|[^\s\w(]+)", "operator_", head)
    if "(" not in head:
        return "scope" if re.search(r"\b(namespace|class|struct|union|enum|extern)\b", head) else "initializer"
    outside = re.sub(r"\([^()]*\)", "()", re.sub(r"\([^()]*\)", "", head))
    if re.search(r"(?<![=!<>])=(?!=)", outside):
        return "initializer"
    in_member_list = re.search(r"\)[\s\w]*:(?!:)", head)
    if in_member_list and re.search(r"[\w>]\s*$", head):
        return "initializer"
    return "function"


def _name_of(head):
    for match in re.finditer(r"(operator\s*[^\s(]+|~?\w+)\s*\(", head):
        if match.group(1) not in _KEYWORDS:
            return match.group(1)
    return "?"


def _functions(source, code):
    opened = []  # kind of each open brace, and where its head began
    head_start = parens = 0
    for match in re.finditer(r"[{}();]", code):
        token, at = match.group(), match.start()
        in_function = any(kind == "function" for kind, _ in opened)
        if token == "{":
            kind = "block" if in_function else _kind_of(code[head_start:at], parens > 0)
            opened.append((kind, head_start))
            if kind in ("scope", "function"):
                head_start = at + 1
        elif token == "}" and opened:
            kind, start = opened.pop()
            if kind == "function":
                yield _function(source, code, start, at)
            if kind in ("scope", "function"):
                head_start = at + 1
        elif in_function:
            continue
        elif token == ";" and parens == 0:
            head_start = at + 1
        elif token in "()":
            parens = max(0, parens + (1 if token == "(" else -1))


def _function(source, code, start, end):
    head = re.match(r"(?:\s|(?:public|private|protected)\s*:)*", code[start:])
    first = start + head.end()
    line = source.line_at(first)
    return Function(_name_of(code[first:end]), line, source.line_at(end) - line + 1)
