"""A statement of where electricity came from in a month, as a document that names the run it rests on: of a class of
users, a city, a large user, a neighbour, or of one account."""

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.store import Run
from sim.config import BadInput
from sim.config.sections import nearest
from sim.packages import GREEN, KINDS
from sim.tracing import account_certificates, account_claims

if TYPE_CHECKING:
    import pandas
WAYS = {"contract": "by contract", "flow": "along the flows of the network"}

METHOD = (
    "Energy bought with its certificates or by contract is taken from what its sellers made in the hour; the rest is "
    "shared in proportion upstream along the hour's flows. Every MWh made is traced once. Carbon that certificates "
    "take off one user goes to green energy whose user holds no certificate.")
OF_ACCOUNTS = (
    "An account has the mix of its class at its bus, in proportion to its use. That row's certificates count for green "
    "packages first, one a MWh, then by use; the class's carbon net of certificates is shared among its accounts by "
    "the same rule.")


def statement(run: Run, user: str, month: str) -> dict[str, Any]:
    """The statement as plain data: energy by way and source, green share, carbon, certificates, the run's hashes.

    user: a class of users, a city (its swap cabinets), a large user or a neighbour.  month: "2025-07".
    Raises: BadInput for a run that did not trace, a user or a month that it does not have.
    """
    if "tracing/mix" not in run.kinds:
        raise BadInput(f"{run.path}: holds no tracing; expected a run under a law with the key emissions")
    mix, foot = run.table("tracing/mix"), run.table("tracing/footprint")
    users = sorted(set(foot["consumer"]))
    if user not in users:
        raise BadInput(f"--user: {user!r} is nobody of this run{nearest(user, users)}")
    _known(month, foot)
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
        "run": _identity(run)}


def account_statement(run: Run, account: int, month: str) -> dict[str, Any]:
    """The statement of one account, of the same form, with its package and its class.

    account: its number.  month: "2025-07".  A row of the run may stand for many accounts: the figures are of one.
    Raises: BadInput for a run without accounts or tracing, an account or a month that it does not have.
    """
    if not {"populations/accounts", "tracing/row_mix"} <= set(run.kinds):
        raise BadInput(f"{run.path}: holds no traced accounts; expected a run with scale.users under a law with the "
                       "keys retail and emissions")
    year = accounts_of_year(run, month)
    mine = year[year["account"] == account]
    if not len(mine):
        raise BadInput(f"--account: nobody has the number {account}; expected one that the table populations/accounts "
                       "holds")
    one = mine.iloc[-1]
    mix, foot, used = run.table("tracing/row_mix"), run.table("tracing/row_footprint"), float(one["MWh"])
    here = foot[(foot["row"] == one["row"]) & (foot["date"] == one["date"])].iloc[0]
    share = used / float(here["MWh"]) if here["MWh"] else 0.0
    sources = [{"way": r.way, "source": r.source, "MWh": round(float(r.MWh) * share, 6)}
               for r in mix[(mix["row"] == one["row"]) & (mix["date"] == one["date"])].itertuples()]
    whole = mine[["MWh", "t", "certificates", "claimed"]].sum()
    return {
        "statement": "traceability of electricity", "user": f"account {account}", "class": here["consumer"],
        "bus": here["bus"], "package": one["package"], "month": month, "MWh": round(used, 6), "sources": sources,
        "green_share": round(float(here["green"] / here["MWh"]), 6) if used else None,
        "carbon": {"t": round(float(one["t"]), 6), "t_per_MWh": round(float(one["t"]) / used, 6) if used else None},
        "year_so_far": {"MWh": round(float(whole["MWh"]), 6), "t": round(float(whole["t"]), 6),
                        "certificates": round(float(whole["certificates"]), 6),
                        "claimed_t": round(float(whole["claimed"]), 6)},
        "run": _identity(run)}


def accounts_of_year(run: Run, month: str) -> "pandas.DataFrame":
    """The accounts of the year of a month up to it, a row an account and month, figures of one account each.

    Columns: date, account, row, package, accounts (how many a row stands for), MWh, green, t and, in an account's last
    row, certificates and claimed (t) of the year so far.  Raises: BadInput for a month that the run does not have.
    """
    foot, classes = run.table("tracing/row_footprint"), run.table("tracing/footprint")
    _known(month, foot)
    lived = run.table("populations/accounts").merge(foot, on=["date", "row"], suffixes=("", "_row"))
    named = lived["date"].astype(str).str[:7]
    lived = lived[(named >= f"{month[:4]}-01") & (named <= month)].sort_values(["date", "account"], ignore_index=True)
    share = np.divide(lived["MWh"], lived["MWh_row"], out=np.zeros(len(lived)), where=lived["MWh_row"].to_numpy() > 0)
    lived["green"], lived["t"] = lived["green"] * share, lived["t"] * share
    lived["bundled"] = lived["MWh"] * (lived["package"] == KINDS[GREEN])
    last = lived["date"] == lived["date"].iloc[-1]
    sums = lived.groupby("account")[["MWh", "green", "t", "bundled"]].sum().loc[lived.loc[last, "account"]]
    row = lived.loc[last, "row"].to_numpy()
    certified = np.zeros(row.max() + 1)
    of_rows = foot[foot["date"] == lived["date"].iloc[-1]]
    certified[of_rows["row"]] = of_rows["year_certificates"]
    held = account_certificates(row, sums["MWh"].to_numpy(), sums["bundled"].to_numpy(), certified)
    answered = np.zeros(len(row))
    for name in of_rows["consumer"].unique():
        some = (lived.loc[last, "consumer"] == name).to_numpy()
        claimed = classes[(classes["consumer"] == name) & (classes["date"] == lived["date"].iloc[-1])]["year_claimed"]
        figures = (sums[key].to_numpy()[some] for key in ("MWh", "green", "t"))
        answered[some] = account_claims(*figures, held[some], float(claimed.iloc[0]))
    lived["certificates"], lived["claimed"] = 0.0, 0.0
    lived.loc[last, "certificates"], lived.loc[last, "claimed"] = held, answered
    figures = ["MWh", "green", "t", "certificates", "claimed"]
    lived[figures] = lived[figures].div(lived["accounts"], axis=0)
    return lived[["date", "account", "row", "package", "accounts", *figures]]


def _known(month: str, table: "pandas.DataFrame"):
    """Raise BadInput for a month that a table does not have."""
    months = sorted({str(date)[:7] for date in table["date"]})
    if month not in months:
        raise BadInput(f"--month: {month!r}; expected one of {months[0]} to {months[-1]}")


def _identity(run: Run) -> dict[str, Any]:
    """What a statement rests on: the run's title and hashes."""
    return {"title": run.certificate["scenario"]["title"],
            **{name: run.certificate.get(name) for name in ("head", "main", "seal")}}


def as_json(found: dict[str, Any]) -> str:
    """A statement as JSON."""
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def as_text(found: dict[str, Any]) -> str:
    """A statement as Markdown: one page."""
    one = "package" in found  # one account: its figures are small
    kwh, tonne = (",.3f", ",.4f") if one else (",.1f", ",.1f")
    lines = [f"# Traceability of electricity: {found['user']}, {found['month']}", ""]
    if one:
        bought = f"package {found['package']}" if found["package"] in KINDS else "the default supplier's price"
        lines += [f"Of class {found['class']} at bus {found['bus']}, under {bought}.", ""]
    lines += [f"{found['MWh']:{kwh}} MWh used.", "", "| source | way | MWh | share |", "|---|---|---:|---:|"]
    for row in sorted(found["sources"], key=lambda row: -row["MWh"]):
        part = row["MWh"] / found["MWh"] if found["MWh"] else 0.0
        lines.append(f"| {row['source']} | {WAYS[row['way']]} | {row['MWh']:{kwh}} | {part:.1%} |")
    carbon, year, of = found["carbon"], found["year_so_far"], found["run"]
    if found["green_share"] is not None:
        lines += ["", f"Green share: {found['green_share']:.1%}. Carbon: {carbon['t']:{tonne}} t, "
                      f"{carbon['t_per_MWh']:.3f} t/MWh."]
    retired = f"{year['certificates']:{kwh if one else ','}}"
    lines += ["", f"The year so far: {year['MWh']:{kwh}} MWh, {year['t']:{tonne}} t as traced, {retired} "
                  f"green certificates retired; {year['claimed_t']:{tonne}} t to answer for when certificates count.",
              "", METHOD, *(["", OF_ACCOUNTS] if one else []), "",
              f"Run: {of['title']}; journal head `{of['head']}`; main head `{of['main']}`; seal `{of['seal']}`."]
    return "\n".join(lines) + "\n"
