"""Every unit of the house, named once: `price: CNYPerMWh`, `wage: Rows[Fen]`.

A unit is an annotated type. As an annotation it tells the reader what a number means; on a table row it
also is the text in brackets of the CSV header (`capacity [MW]`); on a population it is the dtype of a column.
"""

from dataclasses import dataclass
from typing import Annotated, get_args

import numpy as np

HOURS = 24  # of a day; hours are the last axis of every array


@dataclass(frozen=True)
class Unit:
    """A unit of measure and how a column of it is stored.

    symbol: what stands in CSV headers, law files and result tables; "" for names and pure labels.
    dtype: numpy dtype of a population's column.
    """

    symbol: str
    dtype: str = "f4"


MW = Annotated[float, Unit("MW")]
MWh = Annotated[float, Unit("MWh")]
TWh = Annotated[float, Unit("TWh")]
KWh = Annotated[float, Unit("kWh")]
CNY = Annotated[float, Unit("CNY")]
CNYPerMWh = Annotated[float, Unit("CNY/MWh")]
CNYPerCertificate = Annotated[float, Unit("CNY/certificate")]  # of one MWh
TPerMWh = Annotated[float, Unit("t/MWh")]
CNYPerT = Annotated[float, Unit("CNY/t")]
CNYPerKW = Annotated[float, Unit("CNY/kW")]
CNYPerKWYear = Annotated[float, Unit("CNY/kW-yr")]  # 1,000 CNY a MW and year
CNYPerMW = Annotated[float, Unit("CNY/MW")]
CNYPerMonth = Annotated[float, Unit("CNY/month")]
CNYPerYear = Annotated[float, Unit("CNY/yr")]
CNYPerOrder = Annotated[float, Unit("CNY/order")]
Fen = Annotated[int, Unit("fen", "i8")]
Share = Annotated[float, Unit("share")]  # 0 to 1
Ratio = Annotated[float, Unit("ratio")]  # any non-negative multiple
SignedRatio = Annotated[float, Unit("signed ratio")]  # of either sign
Logit = Annotated[float, Unit("logit")]  # log of odds
PerUnit = Annotated[float, Unit("p.u.")]  # on 100 MVA
Hours = Annotated[float, Unit("h")]
Weeks = Annotated[float, Unit("weeks")]
Months = Annotated[int, Unit("months", "i2")]
Years = Annotated[float, Unit("years")]
Days = Annotated[float, Unit("days")]
PerThousandYears = Annotated[float, Unit("1/1000/yr")]  # cases among a thousand persons in a year
OrderCount = Annotated[float, Unit("orders")]
OrdersPerDay = Annotated[float, Unit("orders/day")]
Persons = Annotated[int, Unit("persons", "i4")]
Degrees = Annotated[float, Unit("deg")]  # of longitude or latitude
Celsius = Annotated[float, Unit("degC")]
PerCelsius = Annotated[float, Unit("1/degC")]
Hm3 = Annotated[float, Unit("hm3")]
KWhPerM3 = Annotated[float, Unit("kWh/m3")]
M3PerS = Annotated[float, Unit("m3/s")]
AsNamed = Annotated[float, Unit("unit")]  # in the unit that the row's own column `unit` names
Count = Annotated[int, Unit("count", "i4")]
Index = Annotated[int, Unit("index", "i2")]  # a row number in another table
Place = Annotated[int, Unit("place", "u1")]  # of insurance: a city, or a province of hukou; 256 at most
Flag = Annotated[bool, Unit("", "?")]
Bits = Annotated[int, Unit("bits", "u1")]
DayBits = Annotated[int, Unit("bits", "u4")]  # one bit a day of the month
Wage = Annotated[int, Unit("fen/month", "i4")]
Hundredths = Annotated[int, Unit("0.01", "u1")]
Code = Annotated[int, Unit("code", "u1")]  # a small label: a segment, an origin
Identity = Annotated[int, Unit("identity", "i8")]
Weight = Annotated[int, Unit("persons/row", "i4")]


class Rows:
    """Annotation of a population's column: `wage: Rows[Fen]` is an array of fen, one entry a row."""

    def __class_getitem__(cls, item):
        return Annotated[np.ndarray, unit_of(item), cls]


def unit_of(annotation) -> Unit:
    """The unit in an annotated type (or in a `Rows[...]` of one).

    Raises: TypeError where the annotation carries no unit.
    """
    for part in get_args(annotation)[1:]:
        if isinstance(part, Unit):
            return part
    raise TypeError(f"{annotation!r} carries no unit")


def to_fen(yuan):
    """Yuan to integer fen, half away from zero. The one function that rounds money.

    Accepts a number or an array; gives int or int64 array of the same shape. Prices and quantities are rounded
    before they meet (MWh to 0.001, CNY/MWh to 0.01), so what is rounded here is a product, once.
    """
    cents = np.asarray(yuan, dtype=np.float64) * 100.0
    # slack, so that 91.77 * 100 / 2 does not fall below its half for its binary fractions: 1e-7 fen, more of large sums
    whole = np.sign(cents) * np.floor(np.abs(cents) * (1 + 4e-16) + 0.5 + 1e-7)
    return int(whole) if whole.ndim == 0 else whole.astype(np.int64)
