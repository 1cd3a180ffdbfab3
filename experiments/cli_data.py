"""The verbs of `gridgig` for data of one's own: networks that become worlds and worlds that become networks; fit."""

from pathlib import Path
from typing import Annotated

import typer

from sim.config.sections import BadInput

OutOption = Annotated[Path, typer.Option("--out", metavar="PATH", help="A new folder, or a new .nc file.")]


def add_to(app: typer.Typer):
    """Give the command line these verbs."""
    world = typer.Typer(help="Worlds from networks, a world's day as a network, a world with other plants.",
                        rich_markup_mode=None, pretty_exceptions_enable=False)
    world.command("from-pypsa")(from_pypsa)
    world.command("from-matpower")(from_matpower)
    world.command("to-pypsa")(to_pypsa)
    world.command("with-plants")(with_plants)
    app.add_typer(world, name="world")
    app.command()(fit)


def from_pypsa(
    network: Annotated[Path, typer.Argument(metavar="NETWORK", help="A PyPSA network: netCDF, or a folder of CSV.")],
    out: OutOption,
):
    """Write a world, and a scenario beside it, from the first day of a PyPSA network."""
    from experiments.own_world import write_world
    from experiments.own_world_pypsa import from_network, open_network
    from sim.config import place_of

    print("\n".join(write_world(from_network(open_network(network), place_of(network)), out)))


def from_matpower(
    case: Annotated[Path, typer.Argument(metavar="CASE", help="A MATPOWER case: a .m file.")],
    out: OutOption,
):
    """Write a world, and a scenario beside it, from a MATPOWER case."""
    from experiments.own_world import write_world
    from experiments.own_world_matpower import from_case

    print("\n".join(write_world(from_case(case), out)))


def to_pypsa(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="A scenario's file, or its name.")],
    out: OutOption,
    day: Annotated[str | None, typer.Option(metavar="DAY", help="Which day, 2025-07-14: the scenario's first.")] = None,
):
    """Write a day of a scenario's world, in average weather, as a PyPSA network."""
    from experiments.own_world_pypsa import package, save_network, to_network
    from sim.config import load
    from sim.config.scenarios import PROJECT

    package()
    path = Path(scenario)
    if not path.exists() and path.name == scenario and not path.suffix:
        path = PROJECT / "configs" / "scenarios" / f"{scenario}.yaml"
    if out.exists():
        raise BadInput(f"{out}: exists; expected a new file or folder")
    network, left = to_network(load(path, start=day, end=day))
    print("\n".join([save_network(network, out), *(f"left out  {line}" for line in left)]))


def with_plants(
    world: Annotated[str, typer.Argument(metavar="WORLD", help="A world's folder, or its name.")],
    plants: Annotated[Path, typer.Argument(metavar="FILE", help="Plants: CSV with the columns of plants.csv.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="A new folder.")],
    replace: Annotated[bool, typer.Option("--replace", help="Keep none of the world's own plants.")] = False,
):
    """Write a copy of a world with plants of your own: its plants table extended and changed by key, or replaced."""
    from experiments import own_plants

    print("\n".join(own_plants.with_plants(own_plants.find_world(world), plants, out, replace)))


def fit(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a finished run.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Observed prices or riders: CSV, known by its header.")],
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the table there, as CSV.")] = None,
    month: Annotated[str | None, typer.Option(
        metavar="MONTH", help="Of riders: the run's month, 2025-07; its last.")] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Of prices: means of hours without weights.")] = False,
):
    """Hold a run against what was observed: prices by zone, or a sample of riders."""
    from experiments import fit as fitting
    from experiments.store import open_run

    found = fitting.fit(open_run(folder), file, month, plain)
    print("\n".join(fitting.lines(found)))
    if out is not None:
        fitting.write(found, out)
        print(f"written   {out}")
