"""What is given: scenarios, worlds and tables, validated with the file and line of everything that is wrong.

The only rooms of `sim` that touch files, and they only read. Others import from here:
`from sim.config import Key, Row, Section, Table, bounded`.
"""

from sim.config.checking import check_file, json_schema
from sim.config.documents import place_of
from sim.config.scenarios import Change, Config, Record, Shelf, load
from sim.config.sections import BadInput, Key, Section, YearMonth, bounded
from sim.config.tables import Row, Table, read_table
from sim.config.worlds import Schema, World, read_world

__all__ = ["BadInput", "Change", "Config", "Key", "Record", "Row", "Schema", "Section", "Shelf", "Table", "World",
           "YearMonth", "bounded", "check_file", "json_schema", "load", "place_of", "read_table", "read_world"]
