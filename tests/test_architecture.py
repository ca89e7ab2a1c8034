"""The walls of the house: who may import whom. The picture is in CONTRIBUTING.md."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import monitor

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(monitor.__file__).parent
STAGES = {"exchanges", "store", "turnover", "alerts", "delivery", "interchange", "demo"}
# Rooms, lowest first: a module imports only from strictly lower rows, or from its own room.
ROWS = [
    {"errors"},
    {"exact", "records", "clock", "episodes"},
    {"schema", "config"},
    STAGES,
    {"jobs"},
    {"daemon", "web", "notebook"},
    {"cli"},
    {"__main__"},
]
RANK = {room: place for place, row in enumerate(ROWS) for room in row}
FACES = {"daemon", "web", "notebook", "cli"}
CONFINED = {
    "ccxt": {"exchanges"},
    "sqlite3": {"store"},
    "sqlite_utils": {"store"},
    "polars": {"schema", "store", "turnover", "interchange", "notebook"},
    "numba": {"turnover"},
    "numpy": {"turnover"},
    "apscheduler": {"daemon"},
    "click": {"cli"},
    "rich": {"cli"},
    "apprise": {"delivery"},
    "aiohttp": {"exchanges", "demo", "web"},
    "pydantic": {"config"},
}
NETWORK = {"socket", "ssl", "http", "urllib", "requests", "aiohttp", "ccxt", "smtplib"}
NETWORKED = {"exchanges", "delivery", "web", "demo"}
LOCAL_SOCKET = "daemon.systemd"  # a datagram to the service manager on this machine, no network
# The command line starts in a blink; `import monitor` brings no frames along, only `monitor.open` does.
LATE = {"cli", "__init__"}
CACHE = "turnover.compiled"  # finds a folder for the compiled kernel
CLOCKS = {"time", "datetime", "random", "os", "pathlib", "subprocess", "threading", "asyncio"}
PURE = {"turnover", "alerts"}


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Yield (dotted name below the package, syntax tree) of every module."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        yield ".".join(parts), ast.parse(path.read_text())


def is_typing_only(node: ast.AST) -> bool:
    """Return whether a statement is `if TYPE_CHECKING:`, which imports nothing when it runs."""
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imports(tree: ast.AST, *, lazy: bool) -> Iterator[str]:
    """Yield the dotted names a module imports; with `lazy` those inside functions too."""
    for node in ast.iter_child_nodes(tree):
        if is_typing_only(node) or (isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not lazy):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            yield from imports(node, lazy=lazy)


def rooms() -> list[tuple[str, str, str]]:
    """Return (module, its room, imported dotted name) for every import, lazy ones included."""
    return [
        (name, name.split(".", maxsplit=1)[0], target)
        for name, tree in modules()
        for target in imports(tree, lazy=True)
    ]


def test_every_room_has_a_place() -> None:
    """A new top-level module must be given its row here before it can be imported anywhere."""
    assert {name.split(".")[0] for name, _ in modules()} - set(RANK) == {"__init__"}


def test_imports_point_down() -> None:
    """Data flows one way: nothing imports its own row or a higher one, so stages never know each other."""
    upward = [
        f"{module} imports {target}"
        for module, room, target in rooms()
        if target.startswith("monitor.")
        and (there := target.split(".")[1]) in RANK
        and room in RANK
        and there != room
        and RANK[there] >= RANK[room]
    ]
    assert upward == []


def test_faces_read_only_the_store() -> None:
    """A face reaches stages through jobs; only the store it may read by itself."""
    crossings = [
        f"{module} imports {target}"
        for module, room, target in rooms()
        if room in FACES and target.startswith("monitor.") and target.split(".")[1] in STAGES - {"store"}
    ]
    assert crossings == []


def test_libraries_stay_in_their_room() -> None:
    """Each heavy or dangerous library is known to one room only."""
    strays = [
        f"{module} imports {target}"
        for module, room, target in rooms()
        if room not in CONFINED.get(library := target.split(".")[0], {room}) and library in CONFINED
    ]
    assert strays == []


def test_network_stays_at_the_edge() -> None:
    """Every number recomputes from the database alone: only the edges open sockets."""
    strays = [
        f"{module} imports {target}"
        for module, room, target in rooms()
        if target.split(".")[0] in NETWORK and room not in NETWORKED and module != LOCAL_SOCKET
    ]
    assert strays == []


def test_pure_rooms_do_no_io_and_read_no_clock() -> None:
    """Turnover and alerts are functions of their arguments; the kernel's cache folder is the one exception."""
    strays = [
        f"{module} imports {target}"
        for module, room, target in rooms()
        if room in PURE and target.split(".")[0] in CLOCKS and module != CACHE
    ]
    assert strays == []


def test_imports_inside_functions_only_where_starting_must_be_quick() -> None:
    """Late imports hide dependencies; only the command line and the notebook's door need them, to start quickly."""
    late = [
        name
        for name, tree in modules()
        if name.split(".")[0] not in LATE and list(imports(tree, lazy=True)) != list(imports(tree, lazy=False))
    ]
    assert late == []


def test_no_import_cycle() -> None:
    """No module reaches itself through its imports, lazy ones included."""
    known = {name.removesuffix(".__init__") for name, _ in modules()}
    graph = {name.removesuffix(".__init__"): below(tree, known) for name, tree in modules()}
    assert [name for name in graph if name in reached(name, graph)] == []


def below(tree: ast.Module, known: set[str]) -> set[str]:
    """Return the modules of this package that a module imports."""
    found = set()
    for target in imports(tree, lazy=True):
        dotted = target.removeprefix("monitor.")
        while dotted and dotted not in known:
            dotted = dotted.rpartition(".")[0]
        found.add(dotted)
    return found - {""}


def reached(start: str, graph: dict[str, set[str]]) -> set[str]:
    """Return every module that can be reached from one."""
    seen: set[str] = set()
    stack = [start]
    while stack:
        for target in graph.get(stack.pop(), set()) - seen:
            seen.add(target)
            stack.append(target)
    return seen
