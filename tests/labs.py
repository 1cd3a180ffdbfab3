"""Labs for tests of the whole: the toy world, as it is or altered, lived for as few days as a claim needs."""

import csv
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import yaml

from sim.config import load
from sim.model import PolicyLab
from sim.recorder import Memory
from sim.settlement import bills

ROOT = Path(__file__).parents[1]
TOY = ROOT / "configs" / "scenarios" / "toy.yaml"
Cells = dict[str, str]


def toy(*changes: str, start: str = "2025-07-01", days: int = 3, seed: int = 7, scenario: Path = TOY,
        lab: type[PolicyLab] = PolicyLab, sink: Memory | None = None) -> PolicyLab:
    """A fresh lab that has not lived yet.

    changes: `key=value`, as after `--set`.  days: to live from the start on.  scenario: the toy, or one of `altered`.
    """
    end = date.fromisoformat(start) + timedelta(days=days - 1)
    return lab(load(scenario, set=changes, seed=seed, start=start, end=end), sink=sink)


def altered(folder: Path, tables: dict[str, Callable[[Cells], Cells | None]] | None = None,
            settings: dict[str, dict] | None = None) -> Path:
    """Write a copy of the toy world and its law below a folder, changed; gives the path of a scenario on it.

    tables: by name, what becomes of each row (cells by header); None drops it.
    settings: by section of world.yaml, the values laid over it.
    """
    world = folder / "worlds" / "toy"
    shutil.copytree(ROOT / "configs" / "worlds" / "toy", world)
    shutil.copytree(ROOT / "configs" / "law", folder / "law")
    for name, change in (tables or {}).items():
        _rewrite(world / f"{name}.csv", change)
    whole = yaml.safe_load((world / "world.yaml").read_text())
    for section, values in (settings or {}).items():
        _lay_over(whole[section], values)
    (world / "world.yaml").write_text(yaml.safe_dump(whole))
    scenario = folder / "scenarios" / "toy.yaml"
    scenario.parent.mkdir()
    shutil.copy(TOY, scenario)
    return scenario


def _rewrite(path: Path, change: Callable[[Cells], Cells | None]):
    """Put every row of a CSV table through a change that must touch one at least."""
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        before, header = list(reader), reader.fieldnames
    after = [change(dict(row)) for row in before]
    assert after != before, f"nothing was changed in {path.name}"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, header)
        writer.writeheader()
        writer.writerows(row for row in after if row is not None)


def _lay_over(section: dict, values: dict):
    """Values over a section, part by part; only what is there can be changed."""
    for name, value in values.items():
        if isinstance(value, dict):
            _lay_over(section[name], value)
        else:
            assert name in section, name
            section[name] = value


def cells(**values: str) -> Callable[[Cells], Cells]:
    """A change that gives every row these cells; a header is named without its unit."""
    def change(row: Cells) -> Cells:
        for name, value in values.items():
            header = next(h for h in row if h.split(" [")[0] == name)
            row[header] = value
        return row
    return change


def drop(row: Cells) -> None:
    """The change that leaves a table without rows."""


OF_POWER = {"carbon", "mechanism_price", "pass_through"}  # instruments of electricity; all others read people


def riders_alone(lab: PolicyLab):
    """Live the lab's period for its riders only, without network and market; gives the months, newest last.

    They work, are paid, billed, served by the instruments and learn as in the model; prices of electricity reach them
    nowhere. Each month: people (`sim.messages.People`) and the transfers that concern riders.
    """
    riders, months, later = lab.riders, [], []
    while lab.calendar.now is None or lab.calendar.now.date < lab.calendar.end:
        day = lab.calendar.turn()
        riders.work(day, lab.weather.draw(day), lab.cities, lab.platform.offers(day))
        if not day.closes_month:
            continue
        rules = lab.law.on(day.date)
        people = riders.close(day.month, rules)
        facts = SimpleNamespace(month=day.month, people=people, cities=lab.cities, grid=lab.grid,
                                streams=lab.streams, experience=lab.facts.experience)
        transfers = [*bills.pay_of_orders(facts), *bills.living_costs(facts), *bills.swap_fee(facts, rules["swap"]),
                     *bills.pension_contribution(facts, rules["pension"])]
        for key, instrument in lab.instruments.items():
            if key in rules and key not in OF_POWER:
                transfers += instrument.apply(day.month, facts, rules[key])
        lab.facts.experience.close(people)
        public = SimpleNamespace(peer_share=riders.peer_share())
        riders.learn(bills.statements([*later, *transfers], facts)["riders"], public)
        later = [t for t in (*later, *transfers) if t.due not in (None, day.month)]
        months.append(SimpleNamespace(month=day.month, people=people, transfers=transfers))
    return months
