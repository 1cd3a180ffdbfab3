"""The lines that hold the house up, read from the sources themselves (the table is in docs/design.md)."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = [p for folder in ("sim", "agents", "experiments") for p in sorted((ROOT / folder).rglob("*.py"))]
assert len(SOURCES) > 20


def name_of(path: Path) -> str:
    """Dotted name of a module's file."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports_of(path: Path, typing_too: bool = False) -> set[str]:
    """Modules that a file imports, at any depth; what stands under `if TYPE_CHECKING:` is free."""
    tree = ast.parse(path.read_text())
    free = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test) and not typing_too:
            free |= {id(inner) for part in node.body for inner in ast.walk(part)}
    found = set()
    for node in ast.walk(tree):
        if id(node) in free:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def within(module: str, *prefixes: str) -> bool:
    return any(module == p or module.startswith(p + ".") for p in prefixes)


def offenders(applies, forbidden) -> list[str]:
    """`file -> module` for every import that `forbidden` catches in the files that `applies` picks."""
    return [f"{name_of(p)} -> {m}" for p in SOURCES if applies(name_of(p))
            for m in sorted(imports_of(p)) if forbidden(name_of(p), m)]


RULES = {
    "a rule does not know who plays": (
        lambda f: within(f, "sim") and f != "sim.model", lambda f, m: within(m, "agents", "experiments")),
    "an actor does not reach for the world": (
        lambda f: within(f, "agents"), lambda f, m: within(m, "sim.model", "experiments")),
    "the model is not shown by itself": (
        lambda f: f == "sim.model", lambda f, m: within(m, "experiments")),
    "no market imports another": (
        lambda f: within(f, "sim.markets"),
        lambda f, m: within(m, "sim.markets") and not within(m, "sim.markets.base", f) and m != "sim.markets"),
    "no instrument imports another": (
        lambda f: within(f, "sim.policy"),
        lambda f, m: within(m, "sim.policy") and not within(m, "sim.policy.base", f) and m != "sim.policy"),
    "only the model posts": (
        lambda f: within(f, "sim.markets", "sim.policy", "agents"), lambda f, m: within(m, "sim.settlement.journal")),
    "kernels are arithmetic": (
        lambda f: f.endswith("_kernels"),
        lambda f, m: not within(m, "numpy", "numba", "math", "typing", "collections", "sim.streams")
        and not re.search(r"_kernels(\.\w+)?$", m)),
    "mesa has three doors": (
        lambda f: f not in ("agents.base", "sim.model", "experiments.app"), lambda f, m: within(m, "mesa")),
    "results are data first": (
        lambda f: f not in ("experiments.drawing", "experiments.plots", "experiments.plots_money",
                            "experiments.plots_people", "experiments.plots_search", "experiments.report",
                            "experiments.app"),
        lambda f, m: within(m, "matplotlib")),
    "engines know numbers only": (
        lambda f: within(f, "sim.engines"),
        lambda f, m: within(m, "sim", "agents", "experiments") and not within(m, "sim.engines")),
    "social insurance is arithmetic": (
        lambda f: within(f, "sim.insurance"),
        lambda f, m: within(m, "sim.policy", "sim.markets", "sim.settlement", "sim.network", "sim.facts", "sim.law")),
    "the ground floor stands on itself": (
        lambda f: f in ("sim.messages", "sim.units", "sim.calendar", "sim.streams"),
        lambda f, m: within(m, "sim") and not within(m, "sim.messages", "sim.units", "sim.calendar", "sim.streams")),
    # one arrow runs back up, inside a function: `load(path)` without a schema asks `sim.schema` for the whole model's
    "what is given knows no room above": (
        lambda f: within(f, "sim.config", "sim.law"),
        lambda f, m: within(m, "sim.markets", "sim.policy", "sim.settlement", "sim.network", "sim.weather",
                            "sim.recorder", "sim.facts", "sim.model")),
}


@pytest.mark.parametrize("line", RULES)
def test_imports_point_downward(line):
    applies, forbidden = RULES[line]
    assert any(applies(name_of(p)) for p in SOURCES), "the rule applies to no file: it cannot fail"
    assert offenders(applies, forbidden) == []


def test_the_rules_catch_an_offender(tmp_path):
    bad = tmp_path / "bad.py"
    bad.write_text("def f():\n    from sim.settlement.journal import Journal\n")
    assert "sim.settlement.journal" in imports_of(bad)


def test_no_actor_reaches_for_the_model_behind_its_back():
    reach = re.compile(r"self\.(model|rng|random|scenario)\b")
    assert [name_of(p) for p in SOURCES
            if within(name_of(p), "agents") and name_of(p) != "agents.base" and reach.search(p.read_text())] == []


def test_package_inits_import_nothing_of_their_own():
    # sim.config is one room in several files: its name stands for what they hold, and none of them is a room above
    for init in (p for p in SOURCES if p.name == "__init__.py" and name_of(p) != "sim.config"):
        assert not any(within(m, "sim", "agents", "experiments") for m in imports_of(init)), init


def test_only_config_reads_files_inside_sim_and_agents():
    touching = {"read_text", "read_bytes", "write_text", "write_bytes", "loadtxt", "savetxt", "savez", "tofile"}

    def touches(path):
        calls = [n.func for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
        return any(isinstance(f, ast.Name) and f.id == "open" or isinstance(f, ast.Attribute) and f.attr in touching
                   for f in calls)

    readers = [name_of(p) for p in SOURCES if within(name_of(p), "sim", "agents") and touches(p)]
    assert readers, "somebody must read the configs: the test looks in the wrong place"
    assert [name for name in readers if not within(name, "sim.config")] == []


def test_nothing_is_a_drawer_for_leftovers():
    assert [p for p in SOURCES if p.stem in ("utils", "common", "helpers", "misc")] == []


def test_randomness_is_addressed_everywhere():
    drawn = re.compile(r"default_rng|np\.random|import random|RandomState")
    assert [name_of(p) for p in SOURCES if within(name_of(p), "sim", "agents") and drawn.search(p.read_text())] == []


def test_every_public_thing_says_what_it_is():
    bare = []
    for path in SOURCES:
        tree = ast.parse(path.read_text())
        if not ast.get_docstring(tree):
            bare.append(name_of(path))
        tops = [*tree.body, *(inner for c in tree.body if isinstance(c, ast.ClassDef) for inner in c.body)]
        for node in tops:  # what stands inside a function is nobody else's business
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                lines = node.end_lineno - node.lineno
                if lines > 6 and not ast.get_docstring(node):
                    bare.append(f"{name_of(path)}.{node.name}")
    assert bare == []


def test_every_source_that_is_cited_is_listed():
    listed = set(re.findall(r"^\| (\w+) \|", (ROOT / "docs" / "sources.md").read_text(), re.M)) - {"key"}
    cited = {key for p in SOURCES for group in re.findall(r"\[([A-Z][A-Za-z0-9, ]*?)\]", p.read_text())
             for key in group.split(", ") if re.fullmatch(r"[A-Z][A-Za-z]+(\d{4}|Shanghai)", key)}
    assert cited - listed == set()
    assert listed - cited == set()


def test_no_test_leaves_a_record_type_in_the_kernels_cache():
    # numba keeps argument types on disk; a namedtuple of a test module there would stop every run outside the tests
    record = re.compile(r"\bnamedtuple\(|\(NamedTuple\)")
    tests = [p for p in (ROOT / "tests").rglob("*.py") if p != Path(__file__)]
    assert [p for p in tests if record.search(p.read_text())] == []
