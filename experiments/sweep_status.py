"""What a sweep's folder tells about the sweep: how far it is, what failed, and one run as a scenario of its own."""

import yaml

from experiments.bench import FAILED
from experiments.sweep_folder import SweepFolder
from experiments.sweep_records import read_heads
from sim.config import BadInput
from sim.config.documents import place_of

SHOWN = 5  # kinds of errors that are listed


def status_of(folder: SweepFolder) -> list[str]:
    """Lines of text: what is done, what failed and of what, who works on it, what nothing was recorded of."""
    heads = list(read_heads(folder.path))
    failed = [head for head in heads if head["status"] == FAILED]
    lines = [f"{folder.certificate['sweep']['title']}", "",
             f"done      {len(heads)} of {folder.wanted} runs, {len(failed)} of them failed",
             f"took      {sum(head['cpu'] for head in heads):.0f} CPU s, "
             f"{sum(head['cpu'] for head in heads) / max(len(heads), 1):.3g} s a run",
             f"held by   {'; '.join(folder.holders()) or 'nobody'}"]
    by_error: dict[str, list[int]] = {}
    for head in sorted(failed, key=lambda head: head["run"]):
        by_error.setdefault(head["error"], []).append(head["run"])
    for error, runs in list(by_error.items())[:SHOWN]:
        lines.append(f"failed    {len(runs)}, first run {runs[0]}: {error}")
    if len(by_error) > SHOWN:
        lines.append(f"failed    of {len(by_error) - SHOWN} other errors")
    if len(heads) > len(failed):
        silent = folder.query("select outcome from outcomes group by outcome having count(value) = 0 order by outcome")
        lines += [f"nothing   was ever recorded for {name}" for name in silent["outcome"]]
    return lines


def as_scenario(folder: SweepFolder, run: int) -> str:
    """A run of a sweep as the text of a scenario file: what `gridgig run` needs to live it by itself."""
    if run >= folder.wanted:
        raise BadInput(f"--run: {run} is none of the {folder.wanted} runs of {place_of(folder.path)}; expected 0 to "
                       f"{folder.wanted - 1}")
    sweep = folder.certificate["sweep"]
    point, replicate = divmod(run, len(sweep["seeds"]))
    scenario = folder.scenario(point) | {"seed": sweep["seeds"][replicate]}
    return yaml.safe_dump(scenario, sort_keys=False, allow_unicode=True, width=120)
