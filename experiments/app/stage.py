"""The stage: one run, a second one beside it when a lever is moved, and what spectators have yet to see of them.

One thread lives the days and alone touches the labs; it takes commands from a queue, between two days. Whoever watches
waits for news and takes what he has not seen.
"""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from experiments.app import levers as lever_room
from experiments.app.lives import Life, Lived
from experiments.app.readings import Data, curve
from sim.calendar import Month
from sim.config import BadInput, Config

if TYPE_CHECKING:
    from experiments.app.levers import Lever

SLOWEST, FASTEST, USUAL = 0.5, 60.0, 8.0  # days a second
CATCH_UP = 20  # days that the second run lives between two looks at the commands
STEPS = ("day", "month", "year")
PLACES = yaml.safe_load(Path(__file__).with_name("places.yaml").read_text(encoding="utf-8"))


@dataclass
class Track:
    """A run on the stage and what it has shown. epoch: grows whenever it begins anew.  days, months: all so far."""

    life: Life
    epoch: int
    moved: dict = field(default_factory=dict)
    days: list[Data] = field(default_factory=list)
    months: list[Data] = field(default_factory=list)
    frame: Data | None = None

    def live(self) -> tuple[Data, Data | None]:
        """Live a day; what it and the month that it closed look like."""
        self.life.step()
        return self.life.frame(), self.life.closed()

    def note(self, frame: Data, month: Data | None) -> None:
        """Take down a day, and the month that it closed."""
        self.frame = frame
        self.days.append(curve(frame))
        if month is not None:
            if self.months:  # only the newest month's money is drawn
                self.months[-1] = {name: part for name, part in self.months[-1].items() if name != "money"}
            self.months.append(month)

    def since(self, epoch: int, days: int, months: int) -> Data:
        """News for who has seen so much of an epoch."""
        if epoch != self.epoch:
            days = months = 0
        return {"epoch": self.epoch, "from_day": days, "days": self.days[days:], "from_month": months,
                "months": self.months[months:], "frame": self.frame, "moved": self.moved}


@dataclass(frozen=True)
class Play:
    """What is to be played. first: makes the first run.  second: makes the run of a changed config.
    reload: a config anew, changed as by `--set`.  against: makes a fixed second run, when there is one."""

    config: Config
    first: Callable[[Config], Life]
    reload: Callable[[list[str], int], Config] | None
    against: Callable[[], Life] | None = None
    stored: str = ""


class Stage:
    """Plays a play. Public methods are for other threads: they leave a command, or wait for news."""

    def __init__(self, play: Play):
        self.play = play
        self.levers: list[Lever] = lever_room.levers(play.config) if play.reload else []
        self.news = threading.Condition()
        self.version = 0
        self.closed = False
        self._commands: queue.Queue[Data] = queue.Queue()
        self._epoch, self._seed = 0, play.config.seed
        self._first: Track | None = None
        self._second: Track | None = None
        self._values: dict = {}
        self._playing, self._until, self._pace, self._next = False, None, USUAL, 0.0
        self._fault, self._opening = "", True
        self._thread = threading.Thread(target=self._live, name="stage", daemon=True)

    def start(self) -> None:
        """Raise the curtain."""
        self._thread.start()

    def close(self) -> None:
        """Stop living and let every spectator go."""
        self._tell(close=True)
        self._commands.put({"do": "close"})
        self._thread.join()

    # ---------------------------------------------------------------------------------------------------- commands

    def command(self, asked: Data) -> None:
        """Leave a command. Raises: BadInput for one that cannot be."""
        do = asked.get("do")
        if do == "step" and asked.get("by") not in STEPS:
            raise BadInput(f"step: by {str(asked.get('by'))[:20]!r}; expected one of {', '.join(STEPS)}")
        if do == "pace" and not (_number(asked.get("days")) and SLOWEST <= asked["days"] <= FASTEST):
            raise BadInput(f"pace: days a second between {SLOWEST:g} and {FASTEST:g}")
        if do == "levers":
            if not isinstance(asked.get("values"), dict):
                raise BadInput("levers: expected values by key")
            lever_room.changes(self.levers, asked["values"])
        if do == "restart" and not (isinstance(asked.get("seed"), int) and 0 <= asked["seed"] < 2**53):
            raise BadInput("restart: expected a seed from 0 on")
        if do not in ("play", "pause", "step", "pace", "levers", "restart"):
            raise BadInput(f"{str(do)[:20]!r}: there is no such command")
        self._commands.put(asked)

    def scene(self) -> Data:
        """What does not change: the play, its places and its levers."""
        config = self.play.config
        world = config.world
        places = placed(config)
        return {
            "title": config.title, "question": config.question, "start": config.start.isoformat(),
            "end": config.end.isoformat(), "stored": self.play.stored, "against": self.play.against is not None,
            "bus": [{"key": bus.key, "zone": bus.zone, "name": bus.name, "at": places[bus.key]}
                    for bus in world["buses"]],
            "city": [{"key": city.key, "name": city.name, "bus": city.bus, "kind": city.kind}
                     for city in world["cities"]],
            "levers": [lever.shown() for lever in self.levers], "pace": [SLOWEST, FASTEST]}

    def look(self, seen: dict) -> Data:
        """All that a spectator has not seen. seen: (epoch, days, months) by "first" and "second". Hold `news`."""
        answer = {
            "version": self.version, "playing": self._playing or self._until is not None, "pace": self._pace,
            "fault": self._fault, "opening": self._opening, "seed": self._seed, "values": self._values,
            "date": _iso(self._first), "behind": self._behind(), "over": self._over(),
            "first": self._first and self._first.since(*seen.get("first", (-1, 0, 0))),
            "second": self._second and self._second.since(*seen.get("second", (-1, 0, 0)))}
        for name in ("first", "second"):
            news = answer[name]
            seen[name] = (news["epoch"], news["from_day"] + len(news["days"]), news["from_month"] + len(news["months"])
                          ) if news else (-1, 0, 0)
        return answer

    # ------------------------------------------------------------------------------------------- the thread that lives

    def _live(self) -> None:
        self._try(self._open)
        while not self.closed:
            self._obey(self._rest())
            if not self.closed:
                self._try(self._move)

    def _try(self, act: Callable[[], None]) -> None:
        """Act; a fault stops the play and is told to who watches, it does not end the stage."""
        try:
            act()
        except Exception as error:  # noqa: BLE001 whatever it is, the spectators must hear of it
            self._playing, self._until = False, None
            self._tell(fault=" ".join(f"{type(error).__name__}: {error}".split())[:400])

    def _tell(self, fault: str | None = None, close: bool = False) -> None:
        with self.news:
            self.version += 1
            self._fault = self._fault if fault is None else fault
            self.closed = self.closed or close
            self.news.notify_all()

    def _open(self) -> None:
        first = self._track(self.play.first(self._config([])))
        second = self._track(self.play.against()) if self.play.against else None
        with self.news:
            self._first, self._second, self._opening = first, second, False
        self._step()

    def _track(self, life: Life, moved: dict | None = None) -> Track:
        self._epoch += 1
        return Track(life, self._epoch, moved or {})

    def _config(self, texts: list[str]) -> Config:
        return self.play.reload(texts, self._seed) if self.play.reload else self.play.config

    def _rest(self) -> float | None:
        """Seconds until there is something to do; None when only a command can bring it."""
        if self._first is None:
            return None
        if self._behind() or self._until is not None:
            return 0.0
        return max(0.0, self._next - time.monotonic()) if self._playing else None

    def _obey(self, rest: float | None) -> None:
        """Take the commands that wait, or wait for one."""
        try:
            asked = self._commands.get(timeout=rest) if rest != 0 else self._commands.get_nowait()
            while True:
                self._try(lambda: self._do(asked))  # noqa: B023 called at once
                asked = self._commands.get_nowait()
        except queue.Empty:
            return

    def _do(self, asked: Data) -> None:
        do = asked["do"]
        if do == "play":
            self._playing, self._next = not self._over(), time.monotonic()
        elif do == "pause":
            self._playing, self._until = False, None
        elif do == "pace":
            self._pace = float(asked["days"])
        elif do == "step":
            self._playing, self._until = False, self._goal(asked["by"])
        elif do == "levers":
            self._move_levers(asked["values"])
        elif do == "restart":
            self._restart(asked["seed"])
        self._tell(fault="" if do in ("levers", "restart") else None)

    def _goal(self, by: str) -> date | None:
        """The day on which a step ends: the next day, the end of the next day's month, or of its year."""
        if self._first is None or self._over():
            return None
        now = self._first.life.now
        tomorrow = self._first.life.start if now is None else now + timedelta(days=1)
        ends = {"day": tomorrow, "month": Month.of(tomorrow).later(1).first - timedelta(days=1),
                "year": date(tomorrow.year, 12, 31)}
        return min(ends[by], self._first.life.end)

    def _move_levers(self, values: dict) -> None:
        """Begin the second run anew under moved levers; without any there is none."""
        texts, moved = lever_room.changes(self.levers, values)
        if self.play.against or (self._second and moved == self._second.moved):
            return
        second = None
        if moved:
            second = self._track(Lived(self._config(texts)), moved)
        with self.news:
            self._second, self._values = second, moved

    def _restart(self, seed: int) -> None:
        """Both runs from their first day; a lab with this seed, a stored run as it is."""
        before, self._seed = self._seed, self._seed if self.play.stored else seed
        try:
            first = self._track(self.play.first(self._config([])))
            texts, moved = lever_room.changes(self.levers, self._values)
            second = self._track(self.play.against()) if self.play.against else None
            second = self._track(Lived(self._config(texts)), moved) if moved and not second else second
        except Exception:
            self._seed = before
            raise
        with self.news:
            self._first, self._second = first, second
            self._playing, self._until = False, None
        self._step()

    def _behind(self) -> int:
        """Days that the second run has yet to live to stand beside the first."""
        return len(self._first.days) - len(self._second.days) if self._second and self._first else 0

    def _over(self) -> bool:
        return self._first is not None and self._first.life.now == self._first.life.end

    def _move(self) -> None:
        """Live what is due: what the second run lacks, then a day of both."""
        for _ in range(min(CATCH_UP, self._behind())):
            self._step_second()
            if not self._commands.empty():
                break
        else:
            if not self._behind() and self._due():
                self._step()
                return
        if self._second and self._second.days:
            self._tell()

    def _due(self) -> bool:
        """Whether the next day is to be lived now."""
        if self._first is None or self._over():
            self._playing, self._until = False, None
            return False
        return self._until is not None or (self._playing and time.monotonic() >= self._next)

    def _step(self) -> None:
        """Live a day of both runs, and see whether the goal is reached."""
        self._live_day(self._first)
        if self._second and self._behind() == 1:
            self._step_second()
        self._next = max(self._next + 1 / self._pace, time.monotonic())
        if self._until is not None and self._first.life.now >= self._until:
            self._until = None
        if self._over():
            self._playing, self._until = False, None
        self._tell()


    def _live_day(self, track: Track) -> None:
        """Live a day of a run; spectators see all of it at once, or nothing."""
        lived = track.live()
        with self.news:
            track.note(*lived)

    def _step_second(self) -> None:
        """A day of the second run; one that breaks leaves the stage."""
        try:
            self._live_day(self._second)
        except Exception:
            with self.news:
                self._second, self._values = None, {}
            raise


def placed(config: Config) -> dict[str, list[float]]:
    """Where each bus stands on the map: where `places.yaml` says, else by the shape of the network."""
    buses = tuple(config.world["buses"]["key"])
    if all(bus in PLACES for bus in buses):
        return {bus: PLACES[bus] for bus in buses}
    import networkx  # comes with Mesa

    graph = networkx.Graph()
    graph.add_nodes_from(buses)
    graph.add_edges_from((corridor.start, corridor.end) for corridor in config.world["corridors"])
    spread = networkx.kamada_kawai_layout(graph) if networkx.is_connected(graph) else networkx.circular_layout(graph)
    return {bus: [float(x), float(y)] for bus, (x, y) in spread.items()}


def _number(value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _iso(track: Track | None) -> str | None:
    return track.life.now.isoformat() if track and track.life.now else None
