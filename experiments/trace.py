"""A statement of where a user's electricity came from in a month, as a document that names the run it rests on."""

import json
from typing import Any

from experiments.store import Run
from sim.config import BadInput
from sim.config.sections import nearest

WAYS = {"contract": "by contract", "flow": "along the flows of the network"}

METHOD = (
    "Energy bought with its certificates or by contract is taken from what its sellers made in the hour; the rest is "
    "shared in proportion upstream along the hour's flows. Every MWh made is traced once. Carbon that certificates "
    "take off one user goes to green energy whose user holds no certificate.")


def statement(run: Run, user: str, month: str) -> dict[str, Any]:
    """The statement as plain data: energy by way and source, green share, carbon, certificates, the run's hashes.

    user: a class of users, a city (its swap cabinets), a large user or a neighbour.  month: "2025-07".
    Raises: BadInput for a run that did not trace, a user or a month that it does not have.
    """
    if "tracing/mix" not in run.kinds:
        raise BadInput(f"{run.path}: holds no tracing; expected a run under a law with the key emissions")
    mix, foot = run.table("tracing/mix"), run.table("tracing/footprint")
    users, months = sorted(set(foot["consumer"])), sorted({str(date)[:7] for date in foot["date"]})
    if user not in users:
        raise BadInput(f"--user: {user!r} is nobody of this run{nearest(user, users)}")
    if month not in months:
        raise BadInput(f"--month: {month!r}; expected one of {months[0]} to {months[-1]}")
    mine = mix[(mix["consumer"] == user) & (mix["date"].astype(str).str[:7] == month)]
    row = foot[(foot["consumer"] == user) & (foot["date"].astype(str).str[:7] == month)].iloc[0]
    sources = [{"way": r.way, "source": r.source, "MWh": round(float(r.MWh), 3)} for r in mine.itertuples()]
    used = float(row["MWh"])
    return {
        "statement": "traceability of electricity", "user": user, "month": month, "MWh": round(used, 3),
        "sources": sources, "green_share": round(float(row["green"]) / used, 6) if used else None,
        "carbon": {"t": round(float(row["t"]), 3), "t_per_MWh": round(float(row["t"]) / used, 6) if used else None},
        "year_so_far": {
            "MWh": round(float(row["year_MWh"]), 3), "t": round(float(row["year_t"]), 3),
            "certificates": int(row["year_certificates"]), "claimed_t": round(float(row["year_claimed"]), 3)},
        "run": {"title": run.certificate["scenario"]["title"], **{
            name: run.certificate.get(name) for name in ("head", "main", "seal")}}}


def as_json(found: dict[str, Any]) -> str:
    """A statement as JSON."""
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def as_text(found: dict[str, Any]) -> str:
    """A statement as Markdown: one page."""
    lines = [f"# Traceability of electricity: {found['user']}, {found['month']}", "",
             f"{found['MWh']:,.1f} MWh used.", "", "| source | way | MWh | share |", "|---|---|---:|---:|"]
    for row in sorted(found["sources"], key=lambda row: -row["MWh"]):
        part = row["MWh"] / found["MWh"] if found["MWh"] else 0.0
        lines.append(f"| {row['source']} | {WAYS[row['way']]} | {row['MWh']:,.1f} | {part:.1%} |")
    carbon, year, of = found["carbon"], found["year_so_far"], found["run"]
    if found["green_share"] is not None:
        lines += ["", f"Green share: {found['green_share']:.1%}. Carbon: {carbon['t']:,.1f} t, "
                      f"{carbon['t_per_MWh']:.3f} t/MWh."]
    lines += ["", f"The year so far: {year['MWh']:,.1f} MWh, {year['t']:,.1f} t as traced, {year['certificates']:,} "
                  f"green certificates retired; {year['claimed_t']:,.1f} t to answer for when certificates count.",
              "", METHOD, "",
              f"Run: {of['title']}; journal head `{of['head']}`; main head `{of['main']}`; seal `{of['seal']}`."]
    return "\n".join(lines) + "\n"
