"""The report: one HTML page on one run, or two side by side, that opens from a disk without a network and prints well.

It begins with the question, the answer in three sentences and the key figures; then come pictures, assumptions,
sources, what the model cannot tell, and by what the run can be cited and made again.
"""

import base64
import io
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from experiments import key_figures
from experiments.again import config_of
from experiments.key_figures import MONTHS, SEEDS, Side
from experiments.plots import figures, places_of
from experiments.plots_money import gains, intervals
from experiments.report_words import CANNOT, CAPTIONS, STYLE
from experiments.tongue import full_name, name_of, say, speaking
from sim.config import BadInput, Config
from sim.config.documents import place_of

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

DOTS = 160  # of an inch of a picture
HARDLY = 0.001  # of a figure: a move that is hardly one


def write(sides: list[Side], target: Path, lang: str) -> Path:
    """Write the page of one or two sides; gives its path, which appears only when whole.

    Raises: BadInput for a language that is not spoken or cannot be drawn here, or a place that cannot be written.
    """
    with speaking(lang):
        text = page(sides, lang)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, target)
    except OSError as error:
        raise BadInput(f"{place_of(target)}: cannot be written: {error.strerror}") from None
    finally:
        partial.unlink(missing_ok=True)
    return target


def page(sides: list[Side], lang: str) -> str:
    """The whole page, in the language of the moment."""
    table, basis = key_figures.key_table(sides)
    configs = [_config(sides[0])]
    same = len(sides) == 2 and sides[0].scenario["files"] == sides[1].scenario["files"]
    configs += [configs[0] if same else _config(side) for side in sides[1:]]
    config = configs[0]
    parts = [*_head(sides), *_answer(sides, table), *_key_table(sides, table, basis),
             *_pictures(sides, configs, table, basis), *_assumptions(sides, config), *_sources(config), *_cannot(),
             *_identity(sides)]
    return "\n".join([
        f'<!DOCTYPE html>\n<html lang="{"zh-CN" if lang == "zh" else "en"}">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(_title(sides))}</title>", f"<style>{STYLE}</style>\n</head>\n<body>\n<main>",
        *parts, "</main>\n</body>\n</html>\n"])


def _config(side: Side) -> Config | None:
    """The config of a side's run; None where its world or law has changed since."""
    try:
        return config_of(side.run)
    except BadInput:
        return None


# -------------------------------------------------------------------------------------------------- the first screen


def _title(sides: list[Side]) -> str:
    if len(sides) == 1:
        return sides[0].scenario["title"]
    return say("What changes from “{}” to “{}”?", *(side.name for side in sides))


def _head(sides: list[Side]) -> Iterator[str]:
    """The question, and what is reported or compared."""
    if len(sides) == 1:
        side, = sides
        yield f"<h1>{escape(side.scenario['question'])}</h1>"
        yield f"<p class=what>{escape(side.scenario['title'])} · {_setting(side)}</p>"
        return
    yield f"<h1>{escape(_title(sides))}</h1>"
    for letter, side in zip("AB", sides):
        yield (f"<p class=what><b class={letter}>{letter}</b> {escape(side.name)} – "
               f"{escape(side.scenario['title'])}: {escape(side.scenario['question'])} {_setting(side)}</p>")
    changes = list(differences(sides[0].scenario, sides[1].scenario))
    silent = say("as the law says")
    changes = [(key, *(by_law(side, key) or said if said == silent else said for side, said in zip(sides, pair)))
               for key, *pair in changes]
    shown = "".join(f"<li><code>{escape(key)}</code>: {escape(before)} → {escape(after)}</li>"
                    for key, before, after in changes)
    yield f"<p>{say('What differs between A and B:')}</p><ul class=diff>{shown or '<li>–</li>'}</ul>"


def _setting(side: Side) -> str:
    """Period and seeds."""
    period = side.scenario["period"]
    seeds = ", ".join(map(str, side.seeds[:6])) + (" ..." if len(side.seeds) > 6 else "")
    return escape(say("{} to {}, seed {}", period["start"], period["end"], seeds))


def differences(first: dict, second: dict) -> Iterator[tuple[str, str, str]]:
    """Where two scenarios differ, by dotted key: before, after. Files are said once for all."""
    one, other = dict(_flat(first)), dict(_flat(second))
    for key in sorted({*one, *other}, key=lambda key: (key.startswith("files."), key)):
        if one.get(key) != other.get(key):
            if key.startswith("files."):
                yield key.removeprefix("files."), say("one version of the file"), say("another")
            else:
                yield key, _setting_of(one, key), _setting_of(other, key)


def by_law(side: Side, key: str) -> str | None:
    """What the law says of a key throughout a run that does not change it, in words; None where it is no one value."""
    config, (room, *names) = _config(side), key.split(".")
    if config is None or room != "law" or len(names) < 2:
        return None
    found = []
    for day in (config.start, config.end):
        value = config.law.on(day).get(names[0])
        for name in names[1:]:
            value = value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
        found += [] if value is None else [value]
    if not found or found[0] != found[-1] or isinstance(found[0], Mapping):
        return None
    return say("{} by law", _said(found[0]))


def _said(value: Any) -> str:
    return say("on") if value is True else say("off") if value is False else str(value)


def _setting_of(scenario: dict[str, Any], key: str) -> str:
    """A scenario's value of a key, in words."""
    value = scenario.get(key, say("as the law says"))
    return _said(value)


def _flat(data: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Leaves of nested mappings by dotted key, without what only names a run."""
    if isinstance(data, dict):
        for key, value in data.items():
            if above or key not in ("question", "source", "record"):
                yield from _flat(value, f"{above}.{key}" if above else str(key))
    else:
        yield above, data


def _answer(sides: list[Side], table: "pandas.DataFrame") -> Iterator[str]:
    """Three plain sentences."""
    sentences = one_answer(sides[0], table) if len(sides) == 1 else two_answer(sides, table)
    yield f"<div class=answer>{''.join(f'<p>{escape(sentence)}</p>' for sentence in sentences)}</div>"


def one_answer(side: Side, table: "pandas.DataFrame") -> list[str]:
    """What one run came to: price, who paid and received, riders."""
    value = _values(table, "first")
    prices = _zone_prices(side, value)
    mean = value[say("mean price of electricity")]
    first = say("Electricity cost {:,.0f} CNY/MWh on average.", mean) if len(prices) < 2 else say(
        "Electricity cost {:,.0f} CNY/MWh on average: least in {} ({:,.0f}), most in {} ({:,.0f}).", mean,
        *min(prices, key=lambda p: p[1]), *max(prices, key=lambda p: p[1]))
    second = say("With all that is added to it, users paid {:,.0f} CNY/MWh; {:.0f} % of the electricity was clean.",
                 value[say("users' whole cost of electricity")], value[say("clean share of generation")])
    if say("riders' mean income") not in value:
        return [first, second, say("There were no delivery riders in this run.")]
    third = say("Delivery riders earned {:,.0f} CNY a month on average, and {:.1f} % of them paid into the pension.",
                value[say("riders' mean income")], value[say("riders who pay into the pension")])
    return [first, second, third]


def _zone_prices(side: Side, value: dict[str, float]) -> list[tuple[str, float]]:
    """Name and mean price of each zone in the table."""
    zones = side.run.indicators["zone"].drop_duplicates()
    named = [(full_name(zone), say("mean price in {}", full_name(zone))) for zone in zones]
    return [(name, value[key]) for name, key in named if key in value]


def two_answer(sides: list[Side], table: "pandas.DataFrame") -> list[str]:
    """What the second run has that the first has not: price and cost, who gains, riders."""
    before, after = _values(table, "first"), _values(table, "second")
    price, cost, paying = (say("mean price of electricity"), say("users' whole cost of electricity"),
                           say("riders who pay into the pension"))
    sentences = [say("From A to B the price of electricity {} on average; what users pay with all additions {}.",
                     _moved(before[price], after[price], "CNY/MWh"), _moved(before[cost], after[cost], "CNY/MWh"))]
    change = _net_change(sides)
    if change[0][1] < 0.005:
        sentences.append(say("Nobody receives or pays a fen more or less."))
    else:
        sentences.append(say("Most better off: {} (by {:,.1f} M CNY); most worse off: {} (by {:,.1f} M CNY).",
                             full_name(change[0][0]), change[0][1] / 1e6,
                             full_name(change[-1][0]), -change[-1][1] / 1e6))
    if paying in before:
        sentences.append(say("The share of delivery riders who pay into the pension {}.",
                             _moved(before[paying], after[paying], "%")))
    else:
        sentences.append(say("There were no delivery riders in this run."))
    return sentences


def _values(table: "pandas.DataFrame", column: str) -> dict[str, float]:
    return dict(zip(table["what"], table[column]))


def _moved(before: float, after: float, unit: str) -> str:
    """How a figure moved, in words."""
    form = "{:,.1f}" if unit == "%" else "{:,.0f}" if abs(before) >= 100 and abs(after - before) >= 1 else "{:,.2f}"
    a, b = form.format(before), form.format(after)
    if a == b:
        return say("stays at {} {}", a, unit)
    if abs(after - before) < HARDLY * abs(before):
        return say("hardly moves, from {} to {} {}", a, b, unit)
    return say("rises from {} to {} {}", a, b, unit) if after > before else say("falls from {} to {} {}", a, b, unit)


def _net_change(sides: list[Side]) -> list[tuple[str, float]]:
    """Change of what accounts have left, CNY, largest gain first."""
    nets = [key_figures.net(side.run.table("journal/entries")) for side in sides]
    change = {account: nets[1].get(account, 0.0) - nets[0].get(account, 0.0) for account in {*nets[0], *nets[1]}}
    return sorted(change.items(), key=lambda pair: (-pair[1], pair[0]))


def _key_table(sides: list[Side], table: "pandas.DataFrame", basis: str) -> Iterator[str]:
    """The key figures with their intervals."""
    two, sure = len(sides) == 2, basis != key_figures.NOTHING
    heads = [say("what"), say("unit"), *(["A", "B", say("difference")] if two else [say("value")]),
             *([say("from"), say("to")] if sure else [])]
    yield f"<table class=key><thead><tr>{''.join(f'<th>{escape(head)}</th>' for head in heads)}</tr></thead><tbody>"
    for row in table.itertuples():
        values = [row.first, *([row.second] if two else [])]
        cells = [escape(row.what), escape(row.unit), *map(_number, values)]
        cells += [_number(row.difference, sign=True)] if two else []
        cells += [_number(row.low, two), _number(row.high, two)] if sure else []
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
    yield f"</tbody></table><p class=note>{escape(meaning(basis, two))}</p>"


def meaning(basis: str, two: bool) -> str:
    """What an interval of the key table is."""
    if basis == SEEDS:
        return (say("From – to: 95 % interval of the difference, paired by seed: both runs of a pair live through the "
                    "same weather and draws.") if two else say("From – to: 95 % interval of the mean over seeds."))
    if basis == MONTHS:
        return (say("From – to: the lowest and the highest month's difference. One seed is one weather: this is no "
                    "confidence interval. Report folders of several seeds for one.") if two else
                say("From – to: the lowest and the highest month. One seed is one weather: this is no confidence "
                    "interval. Report a folder of several seeds for one."))
    return say("One seed and one month, so there is no interval: how sure the figures are cannot be said from this "
               "run.")


def _number(value: float, sign: bool = False) -> str:
    """A number of the table."""
    if value != value:
        return "–"
    size = abs(value)
    digits = 0 if size >= 1000 else 1 if size >= 10 else 2
    text = f"{value:+,.{digits}f}" if sign else f"{value:,.{digits}f}"
    return "0" if float(text.replace(",", "")) == 0 else text.replace("-", "−")


# ----------------------------------------------------------------------------------------------------------- pictures


def _pictures(sides: list[Side], configs: list[Config | None], table: "pandas.DataFrame", basis: str) -> Iterator[str]:
    """Comparisons first, then every figure of each run, two runs one beside the other."""
    yield f"<h2>{say('Pictures')}</h2>"
    if len(sides) == 2:
        entries = [side.run.table("journal/entries") for side in sides]
        yield _frame("gains", [gains(*entries)], [""])
        if basis == SEEDS:
            yield _frame("intervals", [intervals(table, meaning(basis, True))], [""])
    places = [places_of(config.world["buses"]) if config else {} for config in configs]
    drawn = [figures(side.run, where) for side, where in zip(sides, places)]
    if len(sides) == 1:
        for name, figure in drawn[0]:
            yield _frame(name, [figure], [""])
        return
    first, second = (dict(some) for some in drawn)
    for name in dict.fromkeys([*first, *second]):
        both = [(letter, found[name]) for letter, found in (("A", first), ("B", second)) if name in found]
        yield _frame(name, [figure for _, figure in both], [letter for letter, _ in both])


def _frame(name: str, pictures: list["Figure"], letters: list[str]) -> str:
    """Pictures of one kind with what they show; each says the same in words to who cannot see it."""
    title, caption = map(say, CAPTIONS[name])
    images = "".join(
        f"<div>{f'<b class={letter}>{letter}</b>' if letter else ''}<img alt=\""
        f"{escape(' '.join([f'{letter}:' if letter else '', title + '.', caption]).strip(), quote=True)}\" "
        f"src=\"data:image/png;base64,{_png(figure)}\"></div>" for figure, letter in zip(pictures, letters))
    return f"<figure id={name} class=n{len(pictures)}>{images}<figcaption>{escape(caption)}</figcaption></figure>"


def _png(figure: "Figure") -> str:
    """A figure as text that a page can hold."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=DOTS, metadata={"Software": None})
    return base64.b64encode(picture.getvalue()).decode("ascii")


# ------------------------------------------------------------------------------- what it rests on, and what it is not


def _assumptions(sides: list[Side], config: Config | None) -> Iterator[str]:
    """What was assumed: rules in force, who decides how, how many rows stand for how many."""
    yield f"<h2>{say('Assumptions')}</h2><ul>"
    told = [_assumed(side.scenario) for side in sides]
    shared = [line for line in told[0] if all(line in mine for mine in told)]
    yield from (f"<li>{escape(line)}</li>" for line in shared)
    for letter, mine in zip("AB", told):
        yield from (f"<li>{letter}: {escape(line)}</li>" for line in mine if line not in shared)
    if config:
        shares = ", ".join(f"{escape(tag)} {share:.0%}" for tag, share in _tags(config))
        yield f"<li>{escape(say('Of the rows of the world, by the tag of their source: {}.', shares))}</li>"
    yield "</ul>"


def _assumed(scenario: dict) -> list[str]:
    """What one scenario assumes, a line each."""
    switches = scenario["markets"] | scenario["instruments"]
    on, off = ([name_of(key) for key, state in switches.items() if state is wanted] for wanted in (True, False))
    bidding = ", ".join(f"{owner}: {played['kind']}" for owner, played in scenario["strategies"].items())
    return [say("Switched on, where the law of the day has them: {}.", ", ".join(on)),
            *([say("Switched off: {}.", ", ".join(off))] if off else []),
            say("{:,} rows stand for the riders of the named cities.", scenario["scale"]["riders"]),
            say("How companies bid: {}.", bidding),
            say("Source of the scenario: {}.", scenario["source"].rstrip("."))]


def _tags(config: Config) -> list[tuple[str, float]]:
    """Shares of the world's rows by the first tag of their source, the most frequent first."""
    found = Counter()
    for table in config.world.tables.values():
        if "source" in table.row_type.model_fields:
            for row in table:
                tag = re.match(r"\[(\w+)", row.source)
                found[tag[1] if tag else "-"] += 1
    total = sum(found.values())
    return [(tag, count / total) for tag, count in found.most_common()]


def _sources(config: Config | None) -> Iterator[str]:
    """The law's rules in force and the sources of markets and instruments."""
    yield f"<h2>{say('Sources')}</h2>"
    if config is None:
        yield f"<p>{say('World or law have changed since this run: its files are named below, by their SHA-256.')}</p>"
        return
    from experiments.schedule import in_force, source
    from sim.registry import instruments, markets

    heads = say("rule"), say("in force"), say("file"), say("source")
    yield f"<table><thead><tr>{''.join(f'<th>{escape(head)}</th>' for head in heads)}</tr></thead><tbody>"
    for key, found in {**markets(), **instruments()}.items():
        law = place_of(config.law.files[key]) if key in config.law.files else "–"
        state = in_force(config.law, key, config.start, config.end)
        since = say("from {}", state.removeprefix("from ")) if state.startswith("from ") else name_of(state)
        cells = name_of(key), since, law, source(found)
        yield "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + "</tr>"
    yield "</tbody></table>"
    own = say("Every number of the world and of the law has its own source, beside it in its file.")
    yield f"<p class=note>{own}</p>"


def _cannot() -> Iterator[str]:
    """What nobody should read out of a run."""
    yield f"<h2>{say('What the model cannot tell')}</h2><ul>"
    yield from (f"<li>{escape(say(line))}</li>" for line in CANNOT)
    yield "</ul>"


def _identity(sides: list[Side]) -> Iterator[str]:
    """By what a run is cited and made again."""
    yield f"<h2>{say('Identity of the run')}</h2>"
    for letter, side in zip("AB" if len(sides) == 2 else [""], sides):
        certificate = side.run.certificate
        version = certificate["versions"]["gridgig"]
        cite = (f"GridGig {version}, “{side.scenario['title']}”, {side.scenario['period']['start']} – "
                f"{side.scenario['period']['end']}, seed {side.scenario['seed']}, head {certificate['head']}")
        badge = f"<b class={letter}>{letter}</b> " if letter else ""
        yield f"<p>{badge}{say('Cite as')}: <code>{escape(cite)}</code></p>"
        again = say("The same config gives the same head on any machine; saved as a file it is a scenario again.")
        yield (f"<p class=note>{say('Seal of its folder')}: <code>{escape(str(certificate['seal']))}</code>. "
               f"{again}</p>")
        text = yaml.safe_dump(side.scenario, sort_keys=False, allow_unicode=True, width=110)
        yield f"<details><summary>{say('Config')}</summary><pre>{escape(text)}</pre></details>"
