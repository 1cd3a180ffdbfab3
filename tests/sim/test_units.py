"""Units name themselves, and money is rounded by one function, half away from zero."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, get_type_hints

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sim import units
from sim.units import MW, Fen, Flag, MWh, Rows, Share, Unit, to_fen, unit_of


def exact(yuan: Decimal) -> int:
    """Fen by the rule of commerce: half a fen goes away from zero."""
    return int((yuan * 100).quantize(Decimal(1), ROUND_HALF_UP))


# -------------------------------------------------------------------------------------------------------------- money


@pytest.mark.parametrize(("yuan", "fen"), [
    (0.0, 0), (0.004, 0), (0.005, 1), (-0.005, -1), (0.0149, 1), (0.015, 2), (-0.015, -2), (2.675, 268), (-2.675, -268),
    (1.005, 101), (458.8, 45_880), (11_011.2, 1_101_120), (0.285, 29), (1.115, 112)])
def test_half_a_fen_goes_away_from_zero(yuan, fen):
    """Also where the binary fraction lies below its half: 2.675 is 2.67499999999999982236431605997495353221893..."""
    assert to_fen(yuan) == fen


def test_half_of_a_premium_of_an_odd_number_of_fen_is_rounded_up():
    """91.76 yuan halved is 45.88; 91.77 halved is 45.885 yuan, which is 45.89."""
    assert to_fen(91.76 / 2) == 4588
    assert to_fen(91.77 / 2) == 4589
    assert to_fen(-91.77 / 2) == -4589


@given(st.decimals(Decimal("-99999999.99999"), Decimal("99999999.99999"), places=5))
def test_every_decimal_of_five_places_becomes_the_fen_that_paper_gives(yuan):
    """Up to 100 million yuan and five decimals, which is what a product of 0.001 MWh and 0.01 CNY/MWh has: then a fen's
    part has three decimals, and binary misses 10^10 fen by 10^-6. Exact halves are the next test's."""
    assume(abs(yuan) * 100 % 1 != Decimal("0.5"))
    assert to_fen(float(yuan)) == exact(yuan)


@given(st.integers(-(10**12), 10**12))
def test_exact_halves_of_a_fen_go_away_from_zero_up_to_ten_billion_yuan(n):
    """Binary misses x yuan by 1.1 x 10^-16 x, and the product with 100 by as much again: less than the slack of
    4 x 10^-16 of the sum that lifts a half over."""
    yuan = Decimal(2 * n + 1) / 200  # an odd number of half fen
    assert exact(yuan) == (n + 1 if n >= 0 else n)
    assert to_fen(float(yuan)) == exact(yuan)


@given(st.integers(-(2**52) // 100, 2**52 // 100))
def test_whole_fen_stay_what_they_are(fen):
    assert to_fen(fen / 100) == fen


@given(st.floats(-1e9, 1e9))
def test_rounding_is_odd_and_moves_by_half_a_fen_at_most(yuan):
    assert to_fen(-yuan) == -to_fen(yuan)
    assert abs(to_fen(yuan) - yuan * 100) <= 0.5 + 1e-4


@given(st.lists(st.floats(-1e6, 1e6), max_size=20))
def test_a_column_is_rounded_like_its_numbers(yuan):
    column = to_fen(np.array(yuan, float).reshape(-1, 1))
    assert column.dtype == np.int64
    assert column.shape == (len(yuan), 1)
    assert column[:, 0].tolist() == [to_fen(one) for one in yuan]


def test_a_number_gives_a_python_integer():
    assert type(to_fen(3)) is int
    assert type(to_fen(np.float64(3.0))) is int


# -------------------------------------------------------------------------------------------------------------- units


def test_an_annotation_carries_its_unit():
    assert unit_of(MW).symbol == "MW"
    assert unit_of(Fen) == Unit("fen", "i8")
    assert unit_of(Share) != unit_of(MWh)
    assert unit_of(Rows[MW]) == unit_of(MW)
    assert unit_of(Annotated[MW, "something else"]).symbol == "MW"


@pytest.mark.parametrize("bare", [float, int, str, Annotated[float, "no unit"], None])
def test_what_carries_no_unit_is_told(bare):
    with pytest.raises(TypeError, match="carries no unit"):
        unit_of(bare)


def test_rows_of_a_unit_are_an_array_for_the_reader_and_a_column_for_the_population():
    class Somebody:
        wage: Rows[Fen]
        here: Rows[Flag]

    hints = get_type_hints(Somebody, include_extras=True)
    assert all(Rows in hint.__metadata__ and hint.__origin__ is np.ndarray for hint in hints.values())
    assert np.zeros(1, unit_of(hints["wage"]).dtype).dtype == np.int64
    assert np.zeros(1, unit_of(hints["here"]).dtype).dtype == bool


def test_no_two_units_share_a_symbol_unless_they_are_the_same_or_have_none():
    known = {name: unit_of(value) for name, value in vars(units).items() if getattr(value, "__metadata__", None)}
    assert len(known) > 30
    by_symbol: dict[str, set] = {}
    for unit in known.values():
        by_symbol.setdefault(unit.symbol, set()).add(unit.dtype)
    labels = ("", "bits")
    assert [symbol for symbol, dtypes in by_symbol.items() if symbol not in labels and len(dtypes) > 1] == []
