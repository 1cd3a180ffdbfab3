"""Checking one file by what it is, and the JSON Schema that lets an editor check while one types."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, create_model

from sim import law as dated_law
from sim.config.documents import place_of, read_document
from sim.config.scenarios import Scenario, load
from sim.config.sections import BadInput, Section, field_hint, nearest
from sim.config.tables import read_table
from sim.config.worlds import Schema, read_world, settings_type

Kind = Literal["world", "table", "law", "scenario"]


def check_file(path, schema: Schema) -> Kind:
    """Validate a world (its folder or `world.yaml`), a table of a world, a law (folder or file) or a scenario.

    Returns what it is.  Raises: BadInput.
    """
    path = Path(path)
    if path.is_dir():
        if (path / "world.yaml").exists() or not list(path.glob("*.yaml")):
            read_world(path, schema)
            return "world"
        dated_law.Law(schema.rules, dated_law.read_law(path, schema.rules))
        return "law"
    if path.name == "world.yaml":
        read_world(path.parent, schema)
        return "world"
    if path.suffix == ".csv":
        return _check_table(path, schema)
    data = read_document(path).data
    if not set(data) & set(Scenario.model_fields) and (path.parent.name == "law" or set(data) & set(schema.rules)):
        dated_law.Law(schema.rules, dated_law.read_law_file(path, schema.rules))
        return "law"
    load(path, schema=schema)
    return "scenario"


def _check_table(path: Path, schema: Schema) -> Kind:
    if path.stem not in schema.tables:
        raise BadInput(f"{place_of(path)}: unknown table{nearest(path.stem, schema.tables)}")
    read_table(path, schema.tables[path.stem])
    if (path.parent / "world.yaml").exists():
        read_world(path.parent, schema)  # what it refers to stands in the tables beside it
    return "table"


def json_schema(schema: Schema, more: Mapping[str, type[Section]] | None = None) -> dict[str, Any]:
    """JSON Schema (2020-12) of the YAML files: a scenario, a world's settings, a law file, and more by name. Units
    stand as `unit`."""
    kinds = {"scenario": Scenario, "world": settings_type(schema.settings), "law": _law_type(schema), **(more or {})}
    whole: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "GridGig files",
                             "anyOf": [{"$ref": f"#/$defs/{kind}"} for kind in kinds], "$defs": {}}
    for kind, section in kinds.items():
        one = section.model_json_schema(ref_template=f"#/$defs/{kind}.{{model}}")
        for name, definition in one.pop("$defs", {}).items():
            whole["$defs"][f"{kind}.{name}"] = definition
        whole["$defs"][kind] = one
    params = "|".join(rf"{key}\.{name}" for key, rules in schema.rules.items() for name in rules.model_fields)
    names = whole["$defs"]["scenario"]["properties"]
    names["law"]["propertyNames"] = {"pattern": f"^({params})(\\..+)?(@.+)?$"}
    names["markets"]["propertyNames"] = {"enum": list(schema.markets)}
    names["instruments"]["propertyNames"] = {"enum": list(schema.instruments)}
    return whole


def _law_type(schema: Schema) -> type[Section]:
    """A law file as a section: for each key its title and its parameters, each with unit, source and dated values."""
    keys = {}
    for key, rules in schema.rules.items():
        params = {name: (_param_type(key, rules, name) | None, None) for name in rules.model_fields}
        keys[key] = (create_model(key, __base__=Section, title=(str, ...), **params) | None, None)
    return create_model("Law", __base__=Section, __doc__="A law file: values by key, parameter and day.", **keys)


def _param_type(key: str, rules: type[Section], name: str) -> type[Section]:
    hint, field = field_hint(rules, name), rules.model_fields[name]
    value = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    days = dict[Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")], value]
    return create_model(f"{key}_{name}", __base__=Section, unit=(Literal[dated_law.unit_text(hint)], ...),
                        source=(Annotated[str, Field(min_length=1)], ...), values=(days, ...))

