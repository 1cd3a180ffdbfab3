"""What a world, a law and a scenario may hold: the rows, sections and rules of every room, by their names in the files.

Read without importing an actor, so that a wrong key is answered at once.
"""

from sim.config import Schema, Section
from sim.credit import CreditRules
from sim.emissions import EmissionRules
from sim.insurance import cohorts, participation, pension, poverty, retirement, transfer
from sim.network import (
    agreements,
    blocks,
    borders,
    city,
    conduct,
    demand,
    green_demand,
    grid,
    outages,
    plants,
    pools,
    projects,
    retail_classes,
    rivers,
    smelters,
    stores,
    workforce,
    years,
)
from sim.policy.tariffs import BudgetRules, PlatformRules, SwapRules
from sim.registry import instruments, markets
from sim.retail import RetailRules
from sim.vpp import VppRules
from sim.weather import Climate, DayProfile, MonthProfile, WeatherPair, WeatherSettings

TABLES = {
    "buses": grid.Bus, "corridors": grid.Corridor, "joint_limits": grid.Joint,
    "plants": plants.Plant, "outages": outages.Outage, "stores": stores.Store,
    "blocks": blocks.Block, "commitment": blocks.Starting,
    "basins": rivers.Basin, "reservoirs": rivers.Reservoir,
    "projects": projects.Project, "build_costs": projects.BuildCost,
    "smelters": smelters.Smelter, "borders": borders.Step, "foreign": borders.Foreign,
    "agreements": agreements.Agreement, "agreement_years": agreements.AgreementYear,
    "demand_years": years.DemandYear, "build_out": years.BuildOut, "fuel_years": years.FuelYear,
    "inflow_years": years.InflowYear,
    "demand": demand.Demand, "user_classes": demand.UserClass, "load_split": demand.LoadSplit,
    "green_demand": green_demand.GreenDemand,
    "retail_classes": retail_classes.RetailClass,
    "profiles_month": MonthProfile, "profiles_day": DayProfile, "climate": Climate, "weather_pairs": WeatherPair,
    "pool_members": pools.PoolMember,
    "cities": city.City, "order_levels": city.OrderLevel,
    "rider_tiers": workforce.Tier, "rider_segments": workforce.Segment, "rider_incomes": workforce.Income,
    "rider_ages": workforce.AgeGroup, "rider_households": workforce.Household, "rider_hukou": workforce.Hukou,
}


class Settings(Section):
    """The sections of world.yaml, one for each room that has settings."""

    contracts: demand.Trading
    weather: WeatherSettings
    water: rivers.WaterPlanning
    orders: city.OrderSettings
    riders: conduct.RiderSettings
    investment: projects.Investment
    retail: retail_classes.RetailSettings


# law that belongs to no market and no instrument
RULES = {rules.key: rules for rules in (
    pension.PensionRules, pension.ResidentRules, pension.EmployeeRules,
    retirement.RetirementRules, transfer.TransferRules, cohorts.Actuary, participation.ParticipationRules,
    poverty.MinimumLivingRules,
    PlatformRules, BudgetRules, SwapRules, projects.ApprovalRules, RetailRules, CreditRules, EmissionRules, VppRules)}

SWITCHED = (EmissionRules.key, VppRules.key)  # of these, what a scenario may switch off as it may an instrument


def schema() -> Schema:
    """The schema of the whole model: what is listed here and what the registry finds."""
    found_markets, found_instruments = markets(), instruments()
    rules = RULES | {key: found.Rules for key, found in (found_markets | found_instruments).items()}
    return Schema(Settings, TABLES, rules, tuple(found_markets), (*found_instruments, *SWITCHED))
