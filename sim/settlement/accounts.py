"""The chart of accounts: everybody who can pay or be paid, and where he stands in the picture of money flows.

A fen in the journal always sits in one of these accounts. A mass account is one account with many rows (plants by
their row of `grid.units`, riders by their identity): the journal keeps its sum, the postings keep the rows.
"""

from dataclasses import dataclass

USERS, RETAIL, GRID, POWER, NEIGHBOURS, GIG, INSURANCE, STATE, HOUSEHOLDS, BOOKS = (
    "electricity users", "retailers", "grid", "power producers", "neighbours", "delivery platform", "social insurance",
    "state", "households", "books")
# the order in which a picture shows them
SECTORS = (POWER, NEIGHBOURS, GRID, RETAIL, USERS, GIG, INSURANCE, STATE, HOUSEHOLDS, BOOKS)


@dataclass(frozen=True)
class Account:
    """One account. name: as a Transfer calls it.  what: whose money it is.  sector: its place in the money-flow
    picture, one of SECTORS.  rows: what a row of a mass account is; "" for a single account."""

    name: str
    what: str
    sector: str
    rows: str = ""

    @property
    def mass(self) -> bool:
        """Whether postings carry a column of rows."""
        return bool(self.rows)


def chart(*accounts: Account) -> dict[str, Account]:
    """The accounts by name. Raises: ValueError for a name given twice or a sector that no picture shows."""
    found: dict[str, Account] = {}
    for account in accounts:
        if account.name in found:
            raise ValueError(f"two accounts are called {account.name!r}")
        if account.sector not in SECTORS:
            raise ValueError(f"account {account.name!r}: no sector is called {account.sector!r}")
        found[account.name] = account
    return found


ACCOUNTS = chart(
    Account("users", "inelastic users of electricity, by class and bus", USERS, "user row"),
    Account("smelters", "large users who bid into the spot market", USERS, "unit"),
    Account("plants", "owners of power plants", POWER, "unit"),
    Account("stores", "owners of batteries and pumped hydro", POWER, "unit"),
    Account("aggregator", "operators of pools of small resources, who pass on what pools earn", POWER),
    Account("neighbours", "power systems outside the cleared grid that sell to it and buy from it", NEIGHBOURS, "unit"),
    Account("grid_company", "counterparty of the spot market: what it takes in a month it gives in that month", GRID),
    Account("rent", "congestion rent and the surplus of disposed energy, held by the grid company for its users", GRID),
    Account("corridor_owners", "owners of the direct-current links, paid for what is delivered", GRID, "link"),
    Account("wheelers", "grids outside that carry traded energy on, paid by who takes it", NEIGHBOURS),
    Account("outside_grid", "the supplier of cities outside the cleared grid, at a fixed price", GRID),
    Account("certificate_exchange", "counterparty of the green market: keeps nothing", GRID),
    Account("retailers", "retailers and the default supplier: buy energy for their users and sell packages", RETAIL,
            "retailer"),
    Account("guarantors", "banks that stand for retailers, for a fee", BOOKS),
    Account("investors", "owners of retailers: pay in their capital, take out what is beyond it", BOOKS),
    Account("carbon_market", "the national market of allowances, beyond the plants of the model", BOOKS),
    Account("customers", "restaurants and their guests, who order and pay", HOUSEHOLDS),
    Account("households", "shops, landlords and families: where riders' living costs go", HOUSEHOLDS),
    Account("platform", "the delivery platform", GIG),
    Account("riders", "delivery riders", GIG, "identity"),
    Account("swap_operator", "operator of battery swap cabinets: buys electricity, sells subscriptions", GIG),
    Account("pension_pool", "pooled part of the pension insurance: pays today's pensions", INSURANCE),
    Account("pension_accounts", "individual accounts of the pension insurance, in sum", INSURANCE),
    Account("injury_fund", "occupational injury insurance of new forms of work", INSURANCE),
    Account("insurer", "commercial insurers of riders' accidents", INSURANCE),
    Account("government", "the budget: what the state gives to riders' social insurance stands below zero", STATE),
    Account("rounding", "what is left between parts that were rounded one by one", BOOKS),
)
