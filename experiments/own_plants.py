"""A world with plants of one's own: a copy of its folder whose plants table is extended, or replaced.

The user's table has the columns of `plants.csv`; what may stay out there may stay out here. Whoever has the key of a
plant of the world takes its place, all others stand behind. Everything is checked before anything is written, and what
is wrong is named in the file in which it stands.
"""

import csv
import io
import shutil
from os.path import relpath
from pathlib import Path

from sim.config import BadInput, Row, Schema, Table, World, place_of, read_table, read_world
from sim.config.documents import read_bytes, read_document, text_of
from sim.config.scenarios import PROJECT, whole_schema
from sim.config.sections import nearest
from sim.config.tables import check_tables, header
from sim.config.worlds import check_references, settings_type

PLANTS = "plants"


class Merged(Table):
    """Rows of two files. places: `file:line` by row."""

    def __init__(self, tables: list[Table], chosen: list[tuple[int, int]]):
        """chosen: which table and which row of it stands at each place."""
        first = tables[0]
        super().__init__(first.path, first.row_type, [tables[t].rows[i] for t, i in chosen],
                         [tables[t].lines[i] for t, i in chosen], first.digest)
        self.places = [tables[t].where(i) for t, i in chosen]

    def where(self, i: int) -> str:
        """`file:line` of a row."""
        return self.places[i]


def find_world(name: str) -> Path:
    """The folder of a world given as a path or a bare name. Raises: BadInput for a name that there is not."""
    path, shelf = Path(name), PROJECT / "configs" / "worlds"
    if path.exists() or path.name != name:
        return path
    known = sorted(folder.name for folder in shelf.iterdir() if folder.is_dir())
    if name not in known:
        raise BadInput(f"{name}: there is no such world{nearest(name, known)}")
    return shelf / name


def with_plants(path: Path, plants: Path, folder: Path, replace: bool = False) -> list[str]:
    """Write a world's folder with other plants; gives the lines that tell of it.

    path: the world.  plants: the user's CSV.  folder: a new one.  replace: nothing of the world's own plants is kept.
    Raises: BadInput for a bad world or table, a reference that leads nowhere, a folder that exists.
    """
    path, plants, folder = Path(path), Path(plants), Path(folder)
    if folder.exists():
        raise BadInput(f"{place_of(folder)}: exists; expected a new folder")
    schema = whole_schema()
    world, mine = read_world(path, schema), read_table(plants, schema.tables[PLANTS])
    if not len(mine):
        raise BadInput(f"{place_of(plants)}: holds no plant; expected a line for each")
    chosen = [(0, i) for i in range(len(mine))] if replace else _laid_over(world[PLANTS], mine)
    tables = [mine] if replace else [world[PLANTS], mine]
    _check(world, Merged(tables, chosen), schema)
    try:
        _write(world, folder, [_cells(table.path) for table in tables], chosen)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise BadInput(f"{place_of(folder)}: cannot be written: {error.strerror}") from None
    theirs = set(world[PLANTS]["key"])
    again = sum(key in theirs for key in mine["key"])
    gone = f"{len(theirs) - again} of the world's left out" if replace else f"{len(theirs) - again} of the world's kept"
    return [f"written   {folder}: {len(chosen)} plants, {len(mine) - again} new, {again} changed, {gone}"]


def _laid_over(theirs: Table, mine: Table) -> list[tuple[int, int]]:
    """Which table and row stands at each place when mine are laid over theirs by key."""
    over = {row.key: i for i, row in enumerate(mine)}
    kept = [(1, over.pop(row.key)) if row.key in over else (0, i) for i, row in enumerate(theirs)]
    return kept + [(1, i) for i in over.values()]


def _check(world: World, plants: Table, schema: Schema):
    """What `read_world` asks of tables beyond each of them, with the world's plants exchanged. Raises: BadInput."""
    tables = world.tables | {PLANTS: plants}
    check_tables(tables)
    for table in tables.values():
        table.row_type.check_period(table, world.covers.start, world.covers.end)
    check_references(read_document(world.path / "world.yaml"), settings_type(schema.settings), tables)


def _cells(path: Path) -> tuple[list[str], list[list[str]]]:
    """A table's header and its lines, as they were typed."""
    titles, *lines = ([cell.strip() for cell in cells]
                      for cells in csv.reader(io.StringIO(text_of(read_bytes(path), path), newline="")) if cells)
    return titles, lines


def _write(world: World, folder: Path, given: list[tuple[list[str], list[list[str]]]], chosen: list[tuple[int, int]]):
    """The world's files in a new folder, its law where it was, its plants as chosen."""
    folder.mkdir(parents=True)
    for file in sorted(world.path.glob("*.csv")):
        if file.stem != PLANTS:
            shutil.copyfile(file, folder / file.name)
    kept = [line for line in text_of(read_bytes(world.path / "world.yaml"), world.path).splitlines()
            if not line.startswith("law:")]
    law = Path(relpath(world.law, folder.resolve())).as_posix()
    (folder / "world.yaml").write_text("\n".join([f'law: "{law}"', *kept]) + "\n", encoding="utf-8")
    titles = list(dict.fromkeys(title for own, _ in given for title in own))
    absent = _defaults(world[PLANTS].row_type)
    with (folder / f"{PLANTS}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, titles, lineterminator="\n")
        writer.writeheader()
        for t, i in chosen:
            said = dict(zip(given[t][0], given[t][1][i]))
            writer.writerow({title: said.get(title, absent.get(title)) for title in titles})


def _defaults(row_type: type[Row]) -> dict[str, str]:
    """What a cell says whose column a file does not have, by title."""
    values = {name: field.default for name, field in row_type.model_fields.items() if not field.is_required()}
    return {header(row_type, name): "" if value is None else str(value).lower() for name, value in values.items()}
