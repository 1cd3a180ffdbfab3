"""What a run comes to, on one screen."""

from typing import TYPE_CHECKING

import numpy as np

from sim.calendar import WET_MONTHS
from sim.config import Config

if TYPE_CHECKING:
    import pandas

ENERGY = ((1e6, "TWh"), (1e3, "GWh"))  # of MWh
MONEY = ((1e9, "bn CNY"), (1e6, "M CNY"))
WIDTH, PAID = 130, 4  # characters of a line, lines of bills


def summarise(config: Config, indicators: "pandas.DataFrame") -> list[str]:
    """Lines of text: energy and prices by zone, exports, riders, money, exactness.

    indicators: the tidy table of the whole run.
    """
    monthly = indicators.pivot_table(index=["date", "zone"], columns="indicator", values="value", sort=False)
    riders = [*_riders(monthly), *_paid(monthly), *_example(config)] if "riders" in monthly else []  # a network alone
    return [f"{config.title}: {config.start} to {config.end}, seed {config.seed}", "",
            *_zones(monthly), "", *_exports(monthly), *riders, "", *_exactness(monthly)]


def _sums(monthly: "pandas.DataFrame", *prefixes: str) -> "pandas.DataFrame":
    """Sum over the months by place (index) of the indicators that begin so (columns: what follows)."""
    names = [name for name in monthly if name.startswith(prefixes)]
    sums = monthly[names].groupby("zone", sort=False).sum()
    return sums.rename(columns=lambda name: name.partition(".")[2])


def _loaded(monthly: "pandas.DataFrame") -> list[str]:
    """Zones with load, in order."""
    load = monthly["load"].groupby("zone", sort=False).sum()
    return load[load > 0].index.tolist()


def _zones(monthly: "pandas.DataFrame") -> list[str]:
    """A line for each zone with load."""
    made, lost = _sums(monthly, "generation."), _sums(monthly, "curtailed.")
    out, arrived = _sums(monthly, "exports.").sum(axis=1), _sums(monthly, "imports.").sum(axis=1)
    clean = (monthly["clean_share"] * monthly.filter(like="generation.").sum(axis=1)).groupby("zone").sum()
    used = monthly.reindex(columns=["load", "large_users"]).sum(axis=1).groupby("zone").sum()
    shed = monthly["shed"].groupby("zone").sum()
    wet = np.isin([date.month for date, _ in monthly.index], list(WET_MONTHS))
    one, unit = scale(used.max(), ENERGY)
    lines = ["zone    price dry     wet     used    made  clean  exports  imports  curtailed    shed",
             f"            [CNY/MWh]        [{unit}]   [{unit}]    [%]    [{unit}]    [{unit}]        [%]   [MWh]"]
    for zone in _loaded(monthly):
        natural = lost.loc[zone].sum() + made.loc[zone, lost.columns[lost.loc[zone] >= 0]].sum()
        lines.append(f"{zone:<8}{_price(monthly[~wet], zone):>9}{_price(monthly[wet], zone):>8}"
                     f"{used[zone] / one:9.1f}{made.loc[zone].sum() / one:8.1f}"
                     f"{100 * clean[zone] / max(made.loc[zone].sum(), 1e-9):7.1f}"
                     f"{out[zone] / one:9.1f}{arrived[zone] / one:9.1f}"
                     f"{100 * lost.loc[zone].sum() / max(natural, 1e-9):11.2f}{shed[zone]:8,.0f}")
    return lines


def _price(monthly: "pandas.DataFrame", zone: str) -> str:
    """CNY/MWh, weighted by load; a dash where there are no months."""
    mine = monthly[monthly.index.get_level_values("zone") == zone]
    weight = mine["load"].sum() if len(mine) else 0
    return f"{(mine['price'] * mine['load']).sum() / weight:.1f}" if weight else "-"


def _exports(monthly: "pandas.DataFrame") -> list[str]:
    """Where the energy of the largest exporter goes; nothing where nobody exports."""
    out, arrived = _sums(monthly, "exports."), _sums(monthly, "imports.").sum(axis=1)
    net = (out.sum(axis=1) - arrived)[_loaded(monthly)]
    if net.max() <= 0:
        return []
    one, unit = scale(net.max(), ENERGY)
    there = out.loc[net.idxmax()].sort_values(ascending=False) / one
    parts = ", ".join(f"{zone} {energy:.1f}" for zone, energy in there.items() if energy >= 0.05)
    return [f"exports   {net.idxmax()}, at the sending end: {there.sum():.1f} {unit} ({parts})"]


def _riders(monthly: "pandas.DataFrame") -> list[str]:
    """Riders of the last month: how many, their income, who is eligible and who enrolled."""
    persons = monthly["riders"][monthly["riders"] > 0]
    if not len(persons):
        return []
    month = persons.index.get_level_values("date").max()
    last = monthly.xs(month, level="date").reindex(persons.xs(month, level="date").index)
    count = last["riders"]

    def mean(name: str, weight: "pandas.Series") -> float:
        return float((last[name] * weight).sum() / weight.sum())

    text = (f"riders    {count.sum():,.0f} in the last month, mean income {mean('income', count):,.0f} CNY; "
            f"enrolled {mean('enrolled_share', count):.1%}")
    if "take_up" in last and last["take_up"].notna().any():  # not before there is a subsidy
        could = count * last["eligible_share"]
        text += f", eligible {could.sum() / count.sum():.1%} and {mean('take_up', could):.1%} of these enrolled"
    return [text]


def _paid(monthly: "pandas.DataFrame") -> list[str]:
    """What was paid in the whole period, by bill: by its largest payer, so that what is passed on counts once. The
    largest bills stand for themselves, as many as there is room for; the others are one sum."""
    paid = _sums(monthly, "paid.").drop(columns="rounding", errors="ignore")
    order = paid.max().sort_values(ascending=False)
    one, unit = scale(order.max(), MONEY)
    bills = [f"{paid[bill].idxmax()} {_figures(most / one)} ({bill})".replace("_", " ") for bill, most in order.items()]
    told = len(bills)
    while len(rows := _rows(bills[:told] + _smaller(order.to_numpy()[told:] / one), f" [{unit}]")) > PAID:
        told -= 1
    return rows


def _smaller(rest: np.ndarray) -> list[str]:
    """What bills that are not told come to."""
    return [f"{len(rest)} smaller bills {_figures(rest.sum())}"] if len(rest) else []


def _rows(bills: list[str], end: str) -> list[str]:
    """Bills one after the other, in lines of the width at most."""
    rows = [f"{'paid':<10}"]
    for i, bill in enumerate(bills):
        bill += "," if i < len(bills) - 1 else end
        if len(rows[-1]) > 10 and len(rows[-1]) + 1 + len(bill) > WIDTH:
            rows.append(" " * 10)
        rows[-1] += bill if len(rows[-1]) == 10 else f" {bill}"
    return rows


def _example(config: Config) -> list[str]:
    """The pension subsidy of one rider on the lower base, in the first city that has it on the last day."""
    from sim.policy.pension_subsidy import subsidy

    rules = config.law.on(config.end)
    if "pension" not in rules or "pension_subsidy" not in rules:
        return []
    base, start = rules["pension"].base, rules["pension_subsidy"].start
    city = next((key for key in config.world["cities"]["key"] if key in base and key in start), None)
    if city is None:
        return []
    premium = round(100 * rules["pension"].flex_rate * base[city])
    back = subsidy(rules["pension_subsidy"].match, premium)
    return [f"example   eligible in {city}: premium {premium / 100:,.2f}, subsidy {back / 100:,.2f} CNY a month; "
            f"own cost {12 * premium / 100:,.2f} -> {12 * (premium - back) / 100:,.2f} a year"]


def _exactness(monthly: "pandas.DataFrame") -> list[str]:
    """How closely energy, rent and water add up, what the clearing had to mend, how much was posted."""
    worst = monthly[["imbalance", "rent_residual", "water_residual"]].max()
    events = _sums(monthly, "events.").sum()
    mended = ", ".join(f"{name.replace('_', ' ')} {count:.0f}" for name, count in events.items() if count)
    return [f"exact to  {worst['imbalance']:.1e} MW at a bus and hour, {worst['rent_residual']:.1e} CNY of rent, "
            f"{worst['water_residual']:.1e} hm3 of water",
            f"clearing  {mended or 'nothing to mend'}",
            f"journal   {monthly['entries'].sum():,.0f} entries, {monthly['posted'].sum():,.0f} fen"]


def scale(value: float, units: tuple[tuple[float, str], ...]) -> tuple[float, str]:
    """What one of the unit is in which a value reads best, and the unit: (1e6, "TWh") for 2e8 MWh."""
    return next(((one, unit) for one, unit in units if value >= 10 * one), units[-1])


def _figures(amount: float) -> str:
    """An amount to three figures."""
    return f"{amount:,.1f}" if amount >= 10 else f"{amount:.3g}"
