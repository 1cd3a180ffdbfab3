"""What a project is worth to who would build it: present value, internal rate, break-even, and the share started.

Everything is per kW and on the day of commissioning: the price of building is a turnkey one, with interest during
construction; incomes come at the ends of the years of life, a constant share lost every year as the machine wears out.

Source: net present value and a hurdle above the cost of capital for what waiting is worth [Dixit1994]; the logistic
share stands for projects that are not all alike.
"""

from math import exp

HALVINGS = 60
LEAST = -0.99  # a rate at which next to nothing comes back
BEST = 10.0  # a rate of 1,000 % a year: nothing is better


def annuity(rate: float, life: float, worn: float = 0.0) -> float:
    """What 1 CNY a year over a life is worth, years; worn: share of it lost each year. The last year may be a part."""
    whole, rest = divmod(life, 1)
    ratio = (1 - worn) / (1 + rate)
    sum_of_years = whole if ratio == 1 else (1 - ratio**whole) / (1 - ratio)
    return (sum_of_years + rest * ratio**whole) / (1 + rate)


def present_value(rate: float, income: float, capex: float, fixed: float, life: float, worn: float) -> float:
    """CNY/kW. income: CNY/kW-yr of the first year.  capex: CNY/kW.  fixed: CNY/kW-yr, upkeep, which does not wear."""
    return income * annuity(rate, life, worn) - fixed * annuity(rate, life) - capex


def internal_rate(income: float, capex: float, fixed: float, life: float, worn: float) -> float:
    """The yearly rate at which the present value is 0; -1 where upkeep eats the income, BEST at most.

    A machine that wears out may earn less than its upkeep in its last years. Then two rates leave nothing, and the
    higher one is meant: the present value rises with the rate up to one peak and falls beyond it.
    """
    if income <= fixed:
        return -1.0
    low, high = _peak(income, fixed, life, worn), BEST
    if present_value(low, income, capex, fixed, life, worn) <= 0:
        return -1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if present_value(middle, income, capex, fixed, life, worn) > 0:
            low = middle
        else:
            high = middle
    return low


def _peak(income: float, fixed: float, life: float, worn: float) -> float:
    """The rate from LEAST on at which an income less its upkeep is worth most."""
    low, high = LEAST, BEST
    for _ in range(HALVINGS):
        third = (high - low) / 3
        less, more = (present_value(at, income, 0.0, fixed, life, worn) for at in (low + third, high - third))
        low, high = (low, high - third) if less >= more else (low + third, high)
    return low


def break_even(rate: float, capex: float, fixed: float, life: float, worn: float, other: float) -> float:
    """CNY/kW-yr that must be paid beside other income (CNY/kW-yr) for a present value of 0."""
    return (capex + fixed * annuity(rate, life)) / annuity(rate, life, worn) - other


def started_share(internal: float, value: float, hurdle: float, spread: float) -> float:
    """Share [0, 1] of the projects that wait which are started: none at a loss, half at the hurdle.

    spread: by how much internal rates differ between projects (scale of a logistic distribution).
    """
    if value <= 0:
        return 0.0
    return 1.0 / (1.0 + exp(-max(min((internal - hurdle) / spread, 500.0), -500.0)))
