"""The chart of accounts."""

import pytest

from sim.settlement.accounts import ACCOUNTS, BOOKS, SECTORS, Account, chart


def test_every_account_says_whose_money_it_is_and_stands_in_a_sector():
    for name, account in ACCOUNTS.items():
        assert account.name == name
        assert len(account.what) > 10
        assert account.sector in SECTORS


def test_every_sector_has_an_account():
    assert {account.sector for account in ACCOUNTS.values()} == set(SECTORS)


def test_mass_accounts_say_what_a_row_is():
    assert {name: account.rows for name, account in ACCOUNTS.items() if account.mass} == {
        "users": "user row", "smelters": "unit", "plants": "unit", "stores": "unit", "neighbours": "unit",
        "corridor_owners": "link", "riders": "identity", "retailers": "retailer"}


def test_a_name_stands_for_one_account():
    one = Account("purse", "a rider's purse", BOOKS)
    with pytest.raises(ValueError, match="two accounts are called 'purse'"):
        chart(one, one)


def test_a_sector_that_no_picture_shows_is_refused():
    with pytest.raises(ValueError, match="no sector is called 'moon'"):
        chart(Account("purse", "a rider's purse", "moon"))


def test_an_account_cannot_be_changed():
    with pytest.raises(AttributeError):
        ACCOUNTS["users"].sector = BOOKS
