"""Who buys at retail: the accounts of a class of users, and how retailers and accounts think."""

from typing import ClassVar

from pydantic import model_validator

from sim.config import BadInput, Key, Row, Section, Table, bounded
from sim.units import CNYPerMonth, CNYPerMWh, Count, Months, MWh, Ratio, Share


class RetailClass(Row):
    """A row of `retail_classes.csv`: a class of users whose energy retailers, or the default supplier, serve.

    accounts: how many there are at full scale.  median, sigma, cap: of the lognormal energy of an account in a year, of
    which only the shape matters: the accounts of a class use what the class uses.
    entry_sigma: of the lognormal of the cost of trading about the law's median.
    """

    identity: ClassVar[tuple[str, ...]] = ("user_class",)

    user_class: Key("user_classes")
    accounts: bounded(Count, ge=1)
    median: bounded(MWh, gt=0)
    sigma: bounded(Ratio, ge=0, le=4)
    cap: bounded(MWh, gt=0)
    entry_sigma: bounded(Ratio, ge=0, le=4)
    source: str

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]) -> None:
        """A class of retail users may buy ahead. Raises: BadInput."""
        classes = {row.key: row for row in tables["user_classes"]}
        for i, row in enumerate(table):
            if not classes[row.user_class].contracts:
                raise BadInput(table.fault(i, "user_class", f"{row.user_class!r} may not buy ahead; expected a class "
                                                            "with contracts true in user_classes.csv"))
            if row.cap < row.median:
                raise BadInput(table.fault(i, "cap", f"{row.cap:g} is below the median {row.median:g}"))


class Choosing(Section):
    """How an account chooses.

    price: logit for a CNY/MWh.  inertia: CNY/MWh by which another offer must be better than that of one's own retailer.
    aversion: CNY/MWh paid to be rid of a CNY/MWh of standard deviation.  green: CNY/MWh paid for green energy by who
    likes it most; taste is spread evenly below.  trust: CNY/MWh for a grade that is disclosed, below the best.
    alarm: logit of searching for a CNY/MWh above the public index.  peers: logit of searching for all one's peers
    having signed.  reluctance: standard deviation of what keeps one from searching, logit.
    profiles: use in peak, flat and valley hours as multiples of the class's, one of the accounts' kinds each.
    """

    price: bounded(Ratio, gt=0)
    inertia: bounded(CNYPerMWh, ge=0)
    aversion: bounded(Ratio, ge=0)
    green: bounded(CNYPerMWh, ge=0)
    trust: bounded(CNYPerMWh, ge=0)
    alarm: bounded(Ratio, ge=0)
    peers: bounded(Ratio, ge=0)
    reluctance: bounded(Ratio, ge=0)
    profiles: dict[str, list[bounded(Ratio, gt=0)]]

    @model_validator(mode="after")
    def _of_three_periods(self):
        for name, factors in self.profiles.items():
            if len(factors) != 3:
                raise ValueError(f"profiles: {name} has {len(factors)} values; expected peak, flat and valley")
        if not self.profiles:
            raise ValueError("profiles: is empty; expected at least one")
        return self


class Selling(Section):
    """How a retailer thinks. retailers: how many there may be.  standing: of them when a run's history begins.
    margins: CNY/MWh among which it learns.  covers: shares of use held in contracts, likewise.  learning: weight of the
    last reward in what is expected of a choice; greed: of the softmax over these, mean 1.
    caution: mean and sigma of the lognormal weight of a yuan lost against a yuan earned.  aversion: premium of a fixed
    price, as a share of the standard deviation that is not covered.
    liquid: part of a retailer's assets that can be lost.
    running: CNY a month to be there; running_share: CNY/MWh served.  payout: share of what exceeds a retailer's capital
    that its owners take out each month.  point: CNY/MWh that losing a point
    of credit feels like.  capital_sigma: of the lognormal of capital above the law's least.
    """

    retailers: bounded(Count, ge=1, le=2000)
    standing: bounded(Count, ge=1, le=2000)
    margins: list[bounded(CNYPerMWh, ge=0)]
    covers: list[bounded(Share, ge=0, le=1)]
    learning: bounded(Share, gt=0, le=1)
    greed: bounded(Ratio, gt=0)
    caution: bounded(Ratio, gt=0)
    caution_sigma: bounded(Ratio, ge=0)
    aversion: bounded(Ratio, ge=0)
    liquid: bounded(Share, gt=0, le=1)
    running: bounded(CNYPerMonth, ge=0)
    running_share: bounded(CNYPerMWh, ge=0)
    payout: bounded(Share, ge=0, le=1)
    point: bounded(CNYPerMWh, ge=0)
    capital_sigma: bounded(Ratio, ge=0)

    @model_validator(mode="after")
    def _some_choice(self):
        for name in ("margins", "covers"):
            if len(getattr(self, name)) < 2:
                raise ValueError(f"{name}: has {len(getattr(self, name))} values; expected something to learn among")
        if self.standing > self.retailers:
            raise ValueError(f"standing {self.standing} is above retailers {self.retailers}")
        return self


class RetailSettings(Section):
    """The section `retail` of world.yaml. history: months of choice at normal prices before a run, by which accounts
    and retailers come to where they stand.  spread: standard deviation of a month's mean price over its normal value.
    tilt: multiple of the mean price in peak, flat and valley hours, as long as nobody has seen a month."""

    choosing: Choosing
    selling: Selling
    tilt: list[bounded(Ratio, gt=0)]
    history: bounded(Months, ge=0, le=240)
    spread: bounded(Ratio, gt=0)
    source: str

    @model_validator(mode="after")
    def _tilt_of_three_periods(self):
        if len(self.tilt) != 3:
            raise ValueError(f"tilt: has {len(self.tilt)} values; expected peak, flat and valley")
        return self
