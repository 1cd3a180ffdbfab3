"""The command line: what is wrong is one line and exit code 2, with nothing written; what is right does its work."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from experiments.cli import main
from sim.config.scenarios import PROJECT

TOY = PROJECT / "configs" / "scenarios" / "toy.yaml"
SHORT = ["--end", "2025-07-02", "--set", "scale.riders=200"]  # two days, few riders
HEAVY = ["mesa", "pandas", "matplotlib", "numba", "scipy.sparse", "scipy.optimize", "pyarrow", "duckdb", "networkx",
         "highspy", "tqdm"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to stand in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """The folder of a short toy run, figures included, and what the command said."""
    folder = tmp_path_factory.mktemp("runs") / "toy"
    said = gridgig("run", "toy", *SHORT, "--out", str(folder))
    assert said.returncode == 0, said.stderr
    return folder, said


def gridgig(*arguments, **options):
    """The command as a process of its own."""
    return subprocess.run([sys.executable, "-m", "experiments", *arguments], capture_output=True, text=True,
                          env=os.environ | {"PYTHONPATH": str(PROJECT)}, **options)


def scenario(folder, **changes):
    """The toy scenario with top-level changes, written to a folder."""
    data = yaml.safe_load(TOY.read_text()) | {"world": str(PROJECT / "configs" / "worlds" / "toy")} | changes
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(data))
    return str(path)


def refused(capsys, arguments, *words):
    """Assert one line on stderr with these words, nothing on stdout, exit code 2."""
    code = main(arguments)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1, said.err
    assert said.err.startswith("gridgig: ")
    for word in words:
        assert word in said.err
    assert code == 2


@pytest.mark.parametrize(("arguments", "words"), [
    ([], ("Missing command", "gridgig --help")),
    (["rnu"], ("rnu", "Did you mean 'run'")),
    (["run"], ("Missing argument 'SCENARIO'", "gridgig run --help")),
    (["run", "toy", "--sed", "3"], ("--sed", "--seed")),
    (["run", "toy", "--seed", "seven"], ("--seed", "integer")),
    (["run", "toy", "surplus"], ("surplus",)),
    (["run", "toi"], ("toi", "did you mean 'toy'")),
    (["run", "missing.yaml"], ("missing.yaml", "no such file")),
    (["run", "toy", "--set", "seed"], ("--set", "key=value")),
    (["run", "toy", "--set", "scale.rider=3"], ("scale.rider", "did you mean 'riders'")),
    (["run", "toy", "--set", "scale.riders=-3"], ("scale.riders", "-3")),
    (["run", "toy", "--set", "scale.riders=many"], ("scale.riders", "many")),
    (["run", "toy", "--set", "law.spot.offer_cup=3"], ("law.spot.offer_cup", "offer_cap")),
    (["run", "toy", "--set", "markets.sport=off"], ("markets.sport", "spot")),
    (["run", "toy", "--start", "2025-07-32"], ("2025-07-32",)),
    (["run", "toy", "--start", "1999-01-01"], ("1999-01-01", "outside the world's data")),
    (["run", "toy", "--start", "2025-07-20", "--end", "2025-07-10"], ("before the start",)),
    (["check", "missing.yaml"], ("missing.yaml", "no such file")),
    (["plan", "toi"], ("did you mean 'toy'",)),
    (["sweep", "toy_ofer_cap"], ("did you mean 'toy_offer_cap'",)),
    (["status", "."], ("holds no sweep",)),
    (["audit", "."], ("holds no run",)),
    (["query", ".", "select 1"], ("holds no run",)),
    (["export", "."], ("holds no run",)),
])
def test_bad_input_is_one_line(here, capsys, arguments, words):
    refused(capsys, arguments, *words)
    assert os.listdir(here) == []


def test_a_wrong_key_names_file_and_line(here, capsys):
    path = scenario(here, sede=3)
    line = 1 + next(i for i, text in enumerate(Path(path).read_text().splitlines()) if text.startswith("sede"))
    refused(capsys, ["check", path], f"mine.yaml:{line}: sede:", "did you mean 'seed'")


def test_a_broken_world_names_its_table_and_line(here, capsys):
    world = here / "world"
    world.mkdir()
    for file in (PROJECT / "configs" / "worlds" / "toy").iterdir():
        (world / file.name).write_bytes(file.read_bytes())
    settings = world / "world.yaml"
    data = yaml.safe_load(settings.read_text()) | {"law": str(PROJECT / "configs" / "law")}
    settings.write_text(yaml.safe_dump(data))
    table = world / "buses.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([*lines, lines[1]]) + "\n")  # a key that stands twice
    refused(capsys, ["run", scenario(here, world=str(world))], f"world/buses.csv:{len(lines) + 1}: key:")


def test_a_folder_that_is_not_ours_is_refused_before_anything_runs(here, capsys):
    (here / "diary").mkdir()
    (here / "diary" / "monday.txt").write_text("dear")
    refused(capsys, ["run", "toy", "--out", "diary"], "diary: holds other things than a run")
    assert os.listdir(here / "diary") == ["monday.txt"]


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["rnu"], ["run", "toy", "--set", "scale.rider=3"],
                                       ["run", "toy", "--start", "1999-01-01"], ["check", str(TOY)]])
def test_help_and_wrong_keys_are_answered_without_heavy_modules(arguments):
    program = ("import json, sys\nfrom experiments.cli import main\ncode = main(json.loads(sys.argv[1]))\n"
               "print(json.dumps(sorted(sys.modules)), file=sys.stderr)")
    said = subprocess.run([sys.executable, "-c", program, json.dumps(arguments)], capture_output=True, text=True,
                          cwd=PROJECT)
    loaded = json.loads(said.stderr.splitlines()[-1])
    assert "experiments.cli" in loaded
    assert [name for name in HEAVY if name in loaded] == []


def test_help_names_every_command(capsys):
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    for command in ("run", "check", "plan", "sweep", "status", "audit", "query", "export", "report", "explain",
                    "compare", "sensitivity", "discover", "calibrate", "search", "world", "fit"):
        assert f"  {command} " in said


def test_check_says_what_a_file_is(capsys):
    assert main(["check", str(TOY)]) == 0
    assert "a scenario, all well" in capsys.readouterr().out
    assert main(["check", str(PROJECT / "configs" / "worlds" / "toy" / "buses.csv")]) == 0
    assert "a table, all well" in capsys.readouterr().out


def test_plan_prints_order_key_file_law_and_source(capsys):
    assert main(["plan", "base_2025"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["real-time", "1", "spot", "sim/markets/spot.py"] in [row[:4] for row in rows]
    subsidy = next(" ".join(row) for row in rows if "pension_subsidy" in row)
    assert "sim/policy/pension_subsidy.py" in subsidy
    assert "social_insurance.yaml from 2025-04-01" in subsidy  # the first pilots


def test_plan_says_what_is_switched_off(here, capsys):
    assert main(["plan", scenario(here, instruments={"pension_subsidy": False})]) == 0
    assert "switched off" in next(line for line in capsys.readouterr().out.splitlines() if "pension_subsidy" in line)


def test_a_run_writes_its_folder_and_one_screen(toy):
    folder, said = toy
    assert {"run.yaml", "manifest.txt", "indicators.parquet", "assets.parquet", "hourly", "daily", "journal",
            "populations", "figures", "tracing"} == set(os.listdir(folder))
    assert len(said.stdout.splitlines()) <= 25
    assert max(map(len, said.stdout.splitlines())) <= 130
    certificate = yaml.safe_load((folder / "run.yaml").read_text())
    assert f"head      {certificate['head']}" in said.stdout
    assert said.stderr == ""  # no bar where nobody looks on


def test_the_certificate_is_enough_to_run_again(toy, tmp_path):
    folder, _ = toy
    certificate = yaml.safe_load((folder / "run.yaml").read_text())
    again = tmp_path / "again.yaml"
    again.write_text(yaml.safe_dump(certificate["scenario"]))
    said = gridgig("run", str(again), "--quiet", "--set", "record.figures=false", cwd=tmp_path)
    assert said.returncode == 0, said.stderr
    assert said.stdout == ""
    assert yaml.safe_load((tmp_path / "results" / "again" / "run.yaml").read_text())["head"] == certificate["head"]


def test_another_seed_is_another_head(toy, tmp_path):
    folder, _ = toy
    said = gridgig("run", "toy", *SHORT, "--seed", "8", "--out", str(tmp_path / "b"), "--set", "record.figures=false")
    assert said.returncode == 0, said.stderr
    heads = [yaml.safe_load((path / "run.yaml").read_text())["head"] for path in (folder, tmp_path / "b")]
    assert heads[0] != heads[1]


def test_a_finished_run_passes_its_audit(toy, capsys):
    assert main(["audit", str(toy[0])]) == 0
    assert "all well" in capsys.readouterr().out


def test_a_changed_byte_fails_the_audit(toy, tmp_path, capsys):
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", str(toy[0]), str(copy)], check=True)
    content = bytearray((copy / "indicators.parquet").read_bytes())
    content[len(content) // 2] ^= 1
    (copy / "indicators.parquet").write_bytes(content)
    assert main(["audit", str(copy)]) == 1
    said = capsys.readouterr()
    assert "indicators.parquet" in said.err
    assert said.err.count("\n") == 1


def test_a_query_is_answered(toy, capsys):
    assert main(["query", str(toy[0]), "select count(distinct time) as hours from hourly"]) == 0
    assert capsys.readouterr().out.split() == ["hours", "48"]


def test_a_query_that_does_not_run_is_one_line(toy, capsys):
    refused(capsys, ["query", str(toy[0]), "select * from nowhere"], "nowhere", "expected SQL on")


def test_export_writes_csv_beside_the_run(toy, capsys):
    assert main(["export", str(toy[0])]) == 0
    written = capsys.readouterr().out.splitlines()
    assert str(toy[0]) + "-csv/indicators.csv" in written
    assert all(os.path.getsize(file) > 0 for file in written)
    refused(capsys, ["export", str(toy[0])], "exists already")


def test_export_writes_figures_and_excel_where_it_is_told(toy, tmp_path, capsys):
    assert main(["export", str(toy[0]), "--to", "xlsx", "--out", str(tmp_path / "t.xlsx")]) == 0
    assert (tmp_path / "t.xlsx").stat().st_size > 10_000
    refused_to = ["export", str(toy[0]), "--to", "pdf"]
    assert capsys.readouterr().out == f"{tmp_path / 't.xlsx'}\n"
    refused(capsys, refused_to, "pdf", "csv")


def test_a_report_is_one_file_beside_the_run(toy, capsys):
    assert main(["report", str(toy[0])]) == 0
    assert capsys.readouterr().out == f"{toy[0]}-report.html\n"
    assert os.path.getsize(f"{toy[0]}-report.html") > 100_000
    refused(capsys, ["report", str(toy[0].parent / "none")], "holds no run")
    refused(capsys, ["report", str(toy[0]), "--lang", "fr"], "fr")


def test_explain_tells_one_thing_at_a_time(toy, capsys):
    assert main(["explain", str(toy[0]), "--yuan", "--from", "users"]) == 0
    assert "Of each yuan that users pay" in capsys.readouterr().out
    refused(capsys, ["explain", str(toy[0])], "expected one of --price PLACE TIME, --rider ID, --yuan")
    refused(capsys, ["explain", str(toy[0]), "--yuan", "--rider", "1"], "expected one of")
    refused(capsys, ["explain", str(toy[0]), "--rider", "1", "--from", "users"], "--from goes with --yuan")


def test_explain_finds_the_price_that_the_run_keeps(toy, capsys):
    assert main(["explain", str(toy[0]), "--price", "COAST", "2025-07-02T19"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("COAST, 2025-07-02 19:00: ")
    sql = "select price from hourly where bus = 'COAST' and time = '2025-07-02 19:00'"
    assert main(["query", str(toy[0]), sql]) == 0
    kept = float(capsys.readouterr().out.split()[-1])
    assert float(told.split()[3].replace(",", "")) == pytest.approx(kept, abs=0.01)
    refused(capsys, ["explain", str(toy[0]), "--price", "COAST", "2025-07-03T19"], "2025-07-03 is not a day of the run")
    refused(capsys, ["explain", str(toy[0]), "--price", "COAST", "noon"], "'noon' is no hour")


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_is_stopped_leaves_nothing_and_says_so(tmp_path, sent, code):
    run = subprocess.Popen([sys.executable, "-m", "experiments", "run", "toy", "--out", str(tmp_path / "r" / "toy")],
                           cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                           preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
    while not list(tmp_path.glob("r/.*.partial")) and run.poll() is None:
        time.sleep(0.01)
    run.send_signal(sent)
    out, err = run.communicate()
    assert (run.returncode, out, err) == (code, "", "gridgig: stopped; nothing was written\n")
    assert os.listdir(tmp_path) == []


def test_a_request_to_end_is_not_lost_where_python_drops_exceptions(tmp_path, monkeypatch, capsys):
    """As in a finaliser that happens to run when it comes."""
    from sim.model import PolicyLab

    live = PolicyLab.live_day

    def interrupted(lab, day):
        with suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
        live(lab, day)

    monkeypatch.setattr(PolicyLab, "live_day", interrupted)
    assert main(["run", "toy", *SHORT, "--out", str(tmp_path / "r")]) == 143
    assert capsys.readouterr().err == "gridgig: stopped; nothing was written\n"
    assert os.listdir(tmp_path) == []


def test_a_run_that_fails_is_one_line_and_leaves_nothing(tmp_path, monkeypatch, capsys):
    from sim.engines.records import ClearingError

    def fail(*_, progress):
        raise ClearingError("spot on 2025-07-01: infeasible")

    monkeypatch.setattr("experiments.runner.run", fail)
    monkeypatch.chdir(tmp_path)
    assert main(["run", "toy"]) == 1
    assert capsys.readouterr().err == "gridgig: the run failed: spot on 2025-07-01: infeasible\n"
    assert os.listdir(tmp_path) == []


def test_the_schema_for_editors_is_printed(capsys):
    assert main(["check", "--schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert "period" in schema["$defs"]["scenario"]["properties"]
    assert "levers" in schema["$defs"]["sweep"]["properties"]


def test_check_wants_something_to_check(capsys):
    assert main(["check"]) == 2
    assert capsys.readouterr().err == "gridgig: check: no file; expected FILE or --schema\n"
