"""How riders work, live, move and decide: the section `riders` of world.yaml.

What is law (fees, subscriptions, contribution bases, premiums, dates) is not here but in `configs/law`.
"""

from pydantic import model_validator

from sim.config import Section, bounded
from sim.network.city import ROUNDING
from sim.units import (
    CNY,
    CNYPerMonth,
    Count,
    KWh,
    Logit,
    Months,
    Ratio,
    Share,
    Years,
)


class WorkSettings(Section):
    """Section `riders.work`: how a month of work varies and what happens on the road.

    transitory: part of the income's variance (of logs) that is redrawn every month; the rest stays with the person.
    first_month: least part of the first month that a newcomer works (uniform up to the whole).
    accidents: per million orders ridden, in usual weather; accidents_rain, accidents_extreme: multiples of a dry day's
    rate.  claim_sizes, claim_shares: benefits of a claim and how often they occur.
    """

    transitory: bounded(Share, ge=0, le=1)
    first_month: bounded(Share, ge=0, le=1)
    accidents: bounded(Ratio, ge=0)
    accidents_rain: bounded(Ratio, ge=0)
    accidents_extreme: bounded(Ratio, ge=0)
    claim_sizes: list[bounded(CNY, ge=0)]
    claim_shares: list[bounded(Share, ge=0, le=1)]
    source: str

    @model_validator(mode="after")
    def _each_size_has_a_share(self):
        if len(self.claim_sizes) != len(self.claim_shares):
            raise ValueError(f"{len(self.claim_sizes)} claim_sizes and {len(self.claim_shares)} claim_shares; expected "
                             "one share for each size")
        if abs(sum(self.claim_shares) - 1) > ROUNDING:
            raise ValueError(f"claim_shares sum to {sum(self.claim_shares):g}; expected 1")
        return self


class SwapSettings(Section):
    """Section `riders.swap`: batteries swapped at cabinets.

    energy: from the grid per working day of a rider with a subscription.  delay: the batteries of an hour's riding are
    charged in so many hours after it, evenly.  replaces: what a subscriber no longer spends on a battery of
    his own, part of the segment's work_cost.
    """

    energy: bounded(KWh, ge=0)
    delay: bounded(int, ge=1, le=23)
    replaces: bounded(CNYPerMonth, ge=0)
    source: str


class PurseSettings(Section):
    """Section `riders.purse`: a rider's own money.

    dependant: living cost of each dependant.  cash_median, cash_sigma: lognormal cash at the start, in months of total
    income.  target: cash aimed at, in months of total income; saved_below, saved_above: share of a month's surplus
    that is kept under and over it, the rest is sent home or spent; run_down: share of what exceeds it spent in a month.
    """

    dependant: bounded(CNYPerMonth, ge=0)
    cash_median: bounded(Ratio, ge=0)
    cash_sigma: bounded(Ratio, ge=0)
    target: bounded(Ratio, ge=0)
    saved_below: bounded(Share, ge=0, le=1)
    saved_above: bounded(Share, ge=0, le=1)
    run_down: bounded(Share, ge=0, le=1)
    source: str


class SpellSettings(Section):
    """Section `riders.spell`: how long riders stay, and how they see their work.

    shape, scale: Weibull of completed spells at an exit of `exit` a month; a segment with another exit lives its spells
    at exit/`exit` times the pace.  leave_age: the oldest riders leave at it.  subsidised: multiple of the chance to
    leave after a subsidy; rooted: of who has wholly taken root, others in between.  root_month, root_receipt:
    hundredths of roots that a month and a received subsidy add.  temporary_stock, temporary_entrants: share who see the
    work as temporary, at a run's start and among newcomers; after `settle_after` months a share `settle` of them takes
    root each month, and `settle_subsidy` more with every subsidy.
    """

    shape: bounded(Ratio, gt=0)
    scale: bounded(Ratio, gt=0)
    exit: bounded(Share, gt=0, lt=1)
    leave_age: bounded(Years, ge=20, le=100)
    subsidised: bounded(Ratio, ge=0)
    rooted: bounded(Ratio, gt=0)
    root_month: bounded(Count, ge=0, le=100)
    root_receipt: bounded(Count, ge=0, le=100)
    temporary_stock: bounded(Share, ge=0, le=1)
    temporary_entrants: bounded(Share, ge=0, le=1)
    settle_after: bounded(Months, ge=0)
    settle: bounded(Share, ge=0, le=1)
    settle_subsidy: bounded(Share, ge=0, le=1)
    source: str


class HistorySettings(Section):
    """Section `riders.history`: contribution years from before. share: of riders who have any; mean: years of those
    (exponential); home: share of them whose contributions were paid where their hukou is."""

    share: bounded(Share, ge=0, le=1)
    mean: bounded(Years, gt=0)
    home: bounded(Share, ge=0, le=1)
    source: str


class EnrolmentSettings(Section):
    """Section `riders.enrolment`: the decision to pay a pension contribution, reviewed now and then.

    A rider who reviews is enrolled if u + taste > 0, with taste logistic and
    u = const + [ -(1 - match trust E) premium pressure + value - transfer - friction ] / sigma + peers x share
        + information x informed + identity x roots;
    money in thousands of yuan a month. E is 1 if he met the subsidy's conditions this month. `agents.mind_kernels`
    has the parts; const and sigma are fitted by `experiments/calibrate.py`.

    sigma: k yuan a month.  const, peers, information, identity: logits.  levels: bases that may be chosen, multiples of
    the lower one, the first of which is 1.  informed: share whom a campaign has reached.  beta_*: present bias, normal,
    cut at low and high. discount, mortality: a year.  annuity: months' pensions worth at retirement (12 x years
    discounted). wage_growth, account_growth: a year, real.  wage_ratio: lower base over average wage. age_switch: up to
    it young_*, above it old_* for retirement age, annuity divisor and years needed. vest_temporary, vest_rooted,
    vest_power, vest_away: chance to reach a pension.  Of who weighs a higher base: need, share of his present income
    that he wants in old age; means, share of the average wage that he will have beside this pension; density, months
    paid of those to retirement; keen, part of a liking for being insured that is one for a larger pension.
    transfer_cost: CNY once, over 12 x horizon_* months within
    horizon_least and horizon_most.  friction: k yuan a month, where hukou is elsewhere. pressure_*: a yuan weighs 1 +
    slope exp(-cash / (cash months x income)) min(cap, scale / income), at most `most`. trust_entry: belief that the
    subsidy arrives; trust_peers: part of the doubt that a month with all peers enrolled removes.  keep_taste: chance
    that a review is made with the taste of a lifetime, not of the moment. review_*: chances of a review in a month.
    """

    sigma: bounded(Ratio, gt=0)
    const: Logit
    peers: bounded(Logit, ge=0)
    information: bounded(Logit, ge=0)
    identity: bounded(Logit, ge=0)
    informed: bounded(Share, ge=0, le=1)
    levels: list[bounded(Ratio, ge=1, le=5)]
    beta_mean: bounded(Share, ge=0, le=1)
    beta_sd: bounded(Share, ge=0, le=1)
    beta_low: bounded(Share, ge=0, le=1)
    beta_high: bounded(Share, ge=0, le=1)
    discount: bounded(Share, gt=0, le=1)
    mortality: bounded(Share, ge=0, le=1)
    annuity: bounded(Ratio, ge=0)
    wage_growth: bounded(Ratio, gt=0)
    account_growth: bounded(Ratio, gt=0)
    wage_ratio: bounded(Share, gt=0, le=1)
    age_switch: bounded(Years, ge=0)
    young_retire: bounded(Years, ge=0)
    young_divisor: bounded(Ratio, gt=0)
    young_need: bounded(Years, gt=0)
    old_retire: bounded(Years, ge=0)
    old_divisor: bounded(Ratio, gt=0)
    old_need: bounded(Years, gt=0)
    vest_temporary: bounded(Share, ge=0, le=1)
    vest_rooted: bounded(Share, ge=0, le=1)
    vest_power: bounded(Ratio, ge=0)
    vest_away: bounded(Share, ge=0, le=1)
    need: bounded(Ratio, ge=0)
    means: bounded(Ratio, gt=0)
    density: bounded(Share, ge=0, le=1)
    keen: bounded(Share, ge=0, le=1)
    transfer_cost: bounded(CNY, ge=0)
    horizon_temporary: bounded(Years, ge=0)
    horizon_rooted: bounded(Years, ge=0)
    horizon_least: bounded(Ratio, gt=0)
    horizon_most: bounded(Ratio, gt=0)
    friction: bounded(Ratio, ge=0)
    pressure_slope: bounded(Ratio, ge=0)
    pressure_cash: bounded(Ratio, gt=0)
    pressure_cap: bounded(Ratio, ge=0)
    pressure_income: bounded(CNYPerMonth, gt=0)
    pressure_most: bounded(Ratio, ge=1)
    trust_entry: bounded(Share, ge=0, le=1)
    trust_peers: bounded(Share, ge=0, le=1)
    keep_taste: bounded(Share, ge=0, le=1)
    review_outside: bounded(Share, ge=0, le=1)
    review_entry: bounded(Share, ge=0, le=1)
    review_eligible: bounded(Share, ge=0, le=1)
    review_enrolled: bounded(Share, ge=0, le=1)
    source: str

    @model_validator(mode="after")
    def _the_lower_base_comes_first(self):
        if not self.levels or self.levels[0] != 1 or sorted(set(self.levels)) != self.levels or len(self.levels) > 8:
            raise ValueError(f"levels: {self.levels}; expected 1 to 8 rising multiples of the lower base, from 1 on")
        return self


class PersonSettings(Section):
    """Section `riders.person`: women: share of riders.  crossed: share of newcomers who have worked in two cities."""

    women: bounded(Share, ge=0, le=1)
    crossed: bounded(Share, ge=0, le=1)
    source: str


class TieSettings(Section):
    """Section `riders.ties`: whom a rider looks at. hometown, station: so many of the same village and of the same
    station; none of either means that nobody sees his peers.  station_size, village_size: riders among whom they are
    found.  rewire: share of ties that lead anywhere in the city or the hometown's province instead.
    homophily: share of ties that stay among riders of one segment.
    """

    hometown: bounded(Count, ge=0, le=32)
    station: bounded(Count, ge=0, le=32)
    station_size: bounded(Count, ge=2)
    village_size: bounded(Count, ge=2)
    rewire: bounded(Share, ge=0, le=1)
    homophily: bounded(Share, ge=0, le=1)
    source: str


class EffortSettings(Section):
    """Section `riders.effort`: what a better hour's pay does to the hours worked: (1 - target) w^elasticity + target /
    w times the usual ones, w the pay of an hour over the usual pay. target: weight of who works for a day's income and
    goes home when he has it. 0 and 0: hours are fixed.

    Source: income targets [Camerer1997], the case against them and elasticities [Farber2005].
    """

    elasticity: bounded(Ratio, ge=0, le=2)
    target: bounded(Share, ge=0, le=1)
    source: str


class MoveSettings(Section):
    """Section `riders.move`: riders who change cities, among the named ones or among the rest regions.

    look: share who look at another city in a month; nobody moves at 0.  pull: logits for a month's income above the
    usual, per cost of living.  cost: of a move, spread over a year.  friends: part of its riders' share by which one
    acquaintance makes a city greater to who looks around. At usual incomes as many come to a city as leave it
    [HarrisTodaro1970].
    """

    look: bounded(Share, ge=0, le=1)
    pull: bounded(Ratio, ge=0)
    cost: bounded(CNY, ge=0)
    friends: bounded(Ratio, ge=0)
    source: str


class RiderSettings(Section):
    """The section `riders` of world.yaml."""

    work: WorkSettings
    swap: SwapSettings
    purse: PurseSettings
    spell: SpellSettings
    history: HistorySettings
    person: PersonSettings
    ties: TieSettings
    effort: EffortSettings
    move: MoveSettings
    enrolment: EnrolmentSettings
