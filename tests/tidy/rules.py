# SPDX-License-Identifier: Apache-2.0
"""What tidy enforces, as data. Change a rule here; the code that reads it is checks.py."""
from dataclasses import dataclass

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
FUNCTION_LINES_MEDIAN_MAX = 10
FUNCTION_LINES_P90_MAX = 30
COLUMNS_MAX = 120

# What may be called and included, by kind of folder

# Standard headers that neither allocate nor ask the machine for anything.
PURE_STD = frozenset(
    "algorithm array bit cinttypes climits cmath compare concepts cstddef cstdint cstring charconv initializer_list "
    "iterator limits memory new numeric optional span string_view tuple type_traits utility variant version".split()
)
HEAP_STD = PURE_STD | frozenset("deque list map queue set string vector".split())
# Slow to compile, unparsable for clang-tidy 14, absent in gcc 12, or dependent on a locale: nowhere.
NOWHERE_STD = frozenset("iostream ranges coroutine format source_location regex locale codecvt".split())

_CALL = r"(?<![\w.>:])(?:(?:std)?::)?(?:%s)\s*\("

# group -> [(pattern, cure)], matched against code without comments and strings.
BANNED = {
    "clock": [
        (_CALL % "clock_gettime|gettimeofday|localtime(?:_r)?|gmtime(?:_r)?|mktime|strftime",
         "take the time as an argument: it comes with each event"),
        (_CALL % "time" + r"\s*(?:nullptr|NULL|0|&)", "take the time as an argument: it comes with each event"),
        (r"\bstd::chrono\b", "take milliseconds as an argument: they come with each event"),
        (_CALL % "sleep|usleep|nanosleep", "return; say when to be woken by wake_at_ms()"),
    ],
    "random": [
        (_CALL % "s?rand|random|getrandom|getentropy|arc4random\\w*", "draw from the seed given at construction"),
        (r"\bstd::(?:mt19937\w*|random_device|default_random_engine)\b", "draw from the seed given at construction"),
    ],
    "heap": [
        (r"\bnew\b(?!\s*\()", "carve it from an Arena; only placement new is allowed"),
        (r"(?<!= )\bdelete\b", "nothing is freed: whoever lent the memory takes it back"),
        (_CALL % "malloc|calloc|realloc|free|strdup", "carve it from an Arena"),
        (r"\bstd::(?:basic_string|string|vector|map|multimap|set|multiset|deque|list|any|unique_ptr|"
         r"make_unique|to_string|stable_sort|stable_partition|inplace_merge)\b(?!_)",
         "use Vec, std::span or std::string_view over memory that the caller brought"),
    ],
    "io": [
        (_CALL % r"v?[fsd]?n?printf|f?puts|putchar|perror|fopen|fclose|fread|fwrite|fflush|getenv|system",
         "return it, or say it by an action; only shells talk to the machine"),
        (r"(?<![\w>])::(?:open|read|write|close|send|recv|socket|ioctl|mmap|stat|unlink)\s*\(",
         "leave it to a shell; here it is an event or an action"),
    ],
    "locale": [
        (_CALL % ("strto[dfl]+|ato[fil]+|is(?:alpha|digit|alnum|space|print|upper|lower|xdigit)|to(?:lower|upper)|"
                  "setlocale"),
         "use std::from_chars or compare bytes: the answer may not depend on a locale"),
    ],
    "threads": [
        (r"\bstd::(?:thread|jthread|mutex|shared_mutex|atomic\w*|condition_variable|lock_guard|unique_lock|scoped_lock|"
         r"async|future|this_thread)\b|\bthread_local\b", "none: the host's thread is the only one"),
    ],
    "exceptions": [
        (r"\bthrow\b|\btry\b|\bcatch\s*\(", "return a Status or a Result"),
        (r"\bdynamic_cast\b|\btypeid\b", "there is no RTTI; say it with a Kind"),
    ],
    "disorder": [
        (r"\bstd::unordered_\w+", "use std::map or a sorted vector: the order of iteration is part of the trace"),
    ],
    "style": [
        (r"\bstd::(?:shared_ptr|make_shared|function|source_location|views|ranges::views)\b",
         "not in the allow-list of C++20 here; whoever constructs destroys"),
    ],
}
PURE = frozenset("clock random heap io locale threads exceptions disorder style".split())
PURE_WITH_HEAP = PURE - {"heap"}
SHELL = frozenset({"exceptions", "style"})
FREE = frozenset()

# Libraries: header -> name

LIBRARY_OF = [
    (r"uv\.h$", "libuv"),
    (r"libwebsockets\.h$", "libwebsockets"),
    (r"lmdb\.h$", "lmdb"),
    (r"jwt\.h$", "libjwt"),
    (r"sqlite3\.h$", "sqlite3"),
    (r"libpq-fe\.h$", "libpq"),
    (r"pb(_\w+)?\.h$", "nanopb"),
    (r"mbedtls/|psa/", "mbedtls"),
    (r"openssl/", "openssl"),
    (r"xxhash\.h$", "xxhash"),
    (r"CLI/", "cli11"),
    (r"nlohmann/", "nlohmann"),
    (r"toml\+\+/", "toml++"),
    (r"prometheus/", "prometheus-cpp"),
    (r"cmocka\.h$", "cmocka"),
    (r"(esp_\w+|nvs(_flash)?|bootloader_random|sdkconfig)\.h$|(freertos|driver)/\w+\.h$", "esp-idf"),
    (r"lwip/|netif/", "lwip"),
    (r"semihost\.h$", "semihosting"),
    (r"(sys|netinet|arpa|net|linux)/|(unistd|fcntl|signal|errno|time|netdb|dlfcn|poll|pwd|limits|pthread|dirent|"
     r"termios|syslog|ftw|glob|locale|stdio|stdlib|getopt|sched|malloc|grp)\.h$", "os"),
    (r"(stdint|stddef|string|stdarg|setjmp|assert|inttypes|float|math|stdbool)\.h$", "c"),
]

# Slow to compile: at most so many translation units outside tests/, and in no header.
HEAVY = frozenset({"cli11", "nlohmann", "toml++", "sqlite3", "libpq", "libjwt"})
HEAVY_UNITS_MAX = 2

# Layers


@dataclass(frozen=True)
class Layer:
    """What the files of a folder may include: project headers (a folder, or a pattern of headers), standard headers
    (None: any that is allowed anywhere) and libraries; and the groups of calls that are banned there."""

    may: tuple = ("*",)
    std: frozenset | None = None
    libraries: frozenset | None = None
    banned: frozenset = FREE


def _libraries(*names):
    return frozenset({"c", *names})


_CELLS = ("crdt/base", "crdt/cell.h", "crdt/stamp.h")
_CORE = ("crdt/base", "crdt", "storage", "transport/wire*.h", "transport/proto")
_LINK = ("crdt/base", "transport/*_link.h", "transport/sentence.h")
_HOST = (*_CORE, "ports", "ports/inspect/*.h", "storage/*/*.h", "transport", "transport/*/*.h", "runtime",
         "crdt/query", "crdt/datalog", "runtime/query")
_STORE = ("storage", "crdt/hash.h", *_CELLS)

# A file belongs to the longest entry that it is, or lies under. Its own folder is always open to it.
LAYERS = {
    "crdt/base": Layer((), PURE_STD, _libraries(), PURE),
    "crdt": Layer(("crdt/base",), PURE_STD, _libraries("xxhash"), PURE),
    "crdt/query": Layer(("crdt/base", "crdt"), PURE_STD, _libraries(), PURE),
    "crdt/datalog": Layer(("crdt/base", "crdt", "crdt/query/literal.h"), PURE_STD, _libraries(), PURE),
    "storage": Layer(_CELLS, PURE_STD, _libraries(), PURE),
    # The contract lets flush() run on another thread, and the reference keeps that promise.
    "storage/memory": Layer(_STORE, HEAP_STD | {"atomic"}, _libraries(), PURE_WITH_HEAP - {"threads"}),
    "storage/lmdb": Layer(_STORE, None, _libraries("lmdb", "os"), SHELL),
    "storage/sqlite": Layer((*_STORE, "crdt/facts.h"), None, _libraries("sqlite3", "os"), SHELL),
    "storage/postgres": Layer((*_STORE, "crdt/facts.h"), None, _libraries("libpq", "os"), SHELL),
    # flush() on another thread needs one word of the store's.
    "storage/flash": Layer(_STORE, PURE_STD | {"atomic"}, _libraries(), PURE - {"threads"}),
    "storage/image": Layer((*_STORE, "storage/flash"), HEAP_STD, _libraries(), PURE_WITH_HEAP),
    "storage/encrypted": Layer(_STORE, None, _libraries("mbedtls", "os"), SHELL),
    "transport": Layer(("crdt/base", "crdt", "transport/proto"), PURE_STD, _libraries("nanopb"), PURE),
    "transport/proto": Layer((), PURE_STD, _libraries("nanopb"), PURE),
    "transport/lws": Layer(("crdt/base",), None, _libraries("libwebsockets", "libuv", "openssl", "os"), SHELL),
    "transport/json": Layer(("crdt/base", "crdt/value*.h", "crdt/stamp.h"), None, _libraries("nlohmann"), SHELL),
    "transport/websocket": Layer(_LINK, PURE_STD, _libraries(), PURE),
    "transport/tls": Layer(_LINK, PURE_STD, _libraries("mbedtls"), PURE),
    "transport/stream": Layer(_LINK, PURE_STD, _libraries(), PURE),
    "runtime": Layer(_CORE, PURE_STD, _libraries(), PURE),
    # Datalog for machines that have none.
    "runtime/grid/small_datalog.h": Layer((*_CORE, "crdt/datalog", "runtime"), PURE_STD, _libraries(), PURE),
    "runtime/grid/small_datalog.cc": Layer((*_CORE, "crdt/datalog", "runtime"), PURE_STD, _libraries(), PURE),
    # For machines that have a heap, within caps.
    "runtime/query": Layer((*_CORE, "crdt/query", "crdt/datalog", "runtime"), HEAP_STD, _libraries(), PURE_WITH_HEAP),
    "server": Layer(
        (*_CORE, "crdt/query", "crdt/datalog", "runtime", "runtime/query"), HEAP_STD, _libraries(), PURE_WITH_HEAP),
    "server/host": Layer(banned=SHELL),
    # CLI11 throws.
    "server/host/arguments.cc": Layer(),
    "server/main.cc": Layer(),
    "cli": Layer(),
    "ports": Layer(("crdt/base",), PURE_STD, _libraries(), SHELL),
    "ports/inspect": Layer(
        (*_CORE, *_LINK, "transport/stream", "runtime", "storage/flash/*.h"), PURE_STD, _libraries(), PURE),
    "ports/linux": Layer(_HOST, None, _libraries("libuv", "os"), SHELL),
    "ports/chip": Layer(
        (*_CORE, "storage/flash", "transport/*_link.h", "transport/websocket", "runtime"), PURE_STD, _libraries(),
        PURE),
    "ports/bare": Layer((*_HOST, "ports/chip"), None, _libraries("lwip", "os", "semihosting"), SHELL),
    # No heap of its own, and no threads but FreeRTOS's.
    "ports/esp32": Layer(
        (*_CORE, "ports", "ports/chip", "storage/flash", "transport/*_link.h", "runtime"),
        PURE_STD | {"atomic", "cerrno"}, _libraries("esp-idf", "lwip", "os"), SHELL | {"heap", "locale", "disorder"}),
    "ports/esp32/examples": Layer(libraries=_libraries("esp-idf", "os"), banned=SHELL),
    "tests": Layer(),
    "examples": Layer(),
    "docs": Layer(),
}

# Headers that users see are included as <grid/NAME>; they live in these folders.
PUBLIC_FOLDERS = ("runtime/grid", "ports/linux/grid", "ports/chip/grid", "ports/bare/grid", "ports/esp32/grid")

# (file, rule) -> why it may break it. An entry that is no longer needed fails.
EXEMPT = {}
