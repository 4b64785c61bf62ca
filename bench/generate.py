"""Writes the benchmark's input: activity rows with known faults, and the emission factors that fit them.

Every value of row `i` depends on the seed and on `i` alone: a larger file begins with the rows of a smaller one, and a
changed file differs from its first version in the chosen rows only. A `.json` beside the file tells what is in it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import asdict, dataclass
from decimal import Decimal
from enum import IntEnum
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bench.draws import Draws, Mask

DEFAULT_SEED: Final = 20_261_121
BLOCK_ROWS: Final = 200_000
#: How far back a duplicate looks for the good row whose key it takes.
DUPLICATE_REACH: Final = 256
#: Where the block of a "block" change begins, as a share of the file.
BLOCK_START: Final = 0.4

COLUMNS: Final = (
    "activity_id",
    "activity_type",
    "facility_code",
    "region",
    "period_start",
    "period_end",
    "quantity",
    "unit",
    "data_quality",
    "supplier",
    "document_no",
    "cost",
    "currency",
    "note",
)


class Fault(IntEnum):
    """What is wrong with a row. Each bad row has exactly one fault."""

    NONE = 0
    NOT_A_NUMBER = 1
    MISSING_KEY = 2
    BAD_DATE = 3
    UNKNOWN_ENUM = 4
    NEGATIVE_QUANTITY = 5
    PERIOD_END_BEFORE_START = 6
    RAGGED_ROW = 7
    DUPLICATE_KEY = 8


@dataclass(frozen=True, kw_only=True)
class ActivityType:
    """A kind of activity: the unit its factor is given for, the units its rows are written in, and its scope."""

    name: str
    factor_unit: str
    units: tuple[str, ...]
    scope: int
    category: int | None = None


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What file to write. `changed` is None, "scattered" or "block"; rows with a fault in `omitted` are left out."""

    rows: int
    bad_share: float = 0.01
    changed: str | None = None
    changed_share: float = 0.01
    grouped_share: float = 0.10
    two_line_share: float = 0.001
    omitted: tuple[str, ...] = ()
    seed: int = DEFAULT_SEED


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What a written file holds: enough to check the ledger of whoever loads it."""

    recipe: Recipe
    bytes: int
    sha256: str
    rows: int
    good_rows: int
    bad_rows: int
    changed_rows: int
    two_line_notes: int
    faults: dict[str, int]


def _types(names: str, factor_unit: str, units: tuple[str, ...], scope: int) -> tuple[ActivityType, ...]:
    """`names` are separated by spaces; "name:4" states category 4 of scope 3."""
    found = []
    for entry in names.split():
        name, _, category = entry.partition(":")
        found.append(
            ActivityType(
                name=name,
                factor_unit=factor_unit,
                units=units,
                scope=scope,
                category=int(category) if category else None,
            )
        )
    return tuple(found)


#: Conversions from each unit to the factor's unit are finite decimals, so that a load can be compared figure by figure.
ACTIVITY_TYPES: Final = (
    *_types("electricity electricity_night electricity_solar", "kWh", ("kWh", "MWh"), 2),
    *_types("district_heat steam district_cooling", "MJ", ("kWh", "MJ", "GJ"), 2),
    *_types("natural_gas biogas coke_oven_gas blast_furnace_gas", "kWh", ("kWh", "MWh"), 1),
    *_types("diesel petrol heating_oil fuel_oil kerosene lpg ethanol biodiesel", "l", ("l", "m3"), 1),
    *_types("hard_coal lignite wood_pellets coke", "kg", ("kg", "t"), 1),
    *_types("r134a r410a r32 sf6", "kg", ("kg", "g"), 1),
    *_types("steel:1 aluminium:1 cement:1 paper:1 plastics:1", "kg", ("kg", "t"), 3),
    *_types("landfill_waste:5 recycled_waste:5", "kg", ("kg", "t"), 3),
    *_types("rail_travel:6 flight_short:6 flight_long:6 bus_commuting:7", "pkm", ("pkm",), 3),
    *_types("car_travel:6", "km", ("km", "mi"), 3),
    *_types("truck_freight:4 ship_freight:4", "tkm", ("tkm",), 3),
)
_REGION_CODES: Final = (
    "AT AU BE BG BR CA CH CL CN CY CZ DE DK EE ES FI FR GB GR HR HU ID IE IN IT "
    "JP KR LT LU LV MT MX MY NL NO NZ PH PL PT RO SE SG SI SK TH TR TW US VN ZA"
)
REGIONS: Final = tuple(_REGION_CODES.split())
#: A kind occurs in every second region and has one factor a year: 40 x 25 x 2 = 2,000 factors.
REGIONS_PER_TYPE: Final = len(REGIONS) // 2
YEARS: Final = (2023, 2024)

SUPPLIERS: Final = tuple(
    f"{name} {trade} {form}"
    for name in ("Nordwind", "Bergmann", "Rheintal", "Atlas", "Meridian", "Castor", "Lumen", "Tasman")
    for trade in ("Energie", "Fuels", "Utilities", "Logistics", "Works")
    for form in ("GmbH & Co. KG", "Limited", "SA")
)
QUALITIES: Final = ("measured", "calculated", "estimated", "default", "")
CURRENCIES: Final = ("EUR", "USD", "GBP", "CHF", "JPY")
NOTES: Final = (
    "",
    "",
    "",
    "meter read on site",
    "taken from the invoice",
    "estimate of the site lead",
    "corrected after the audit",
    "see attachment 2 of the report",
)
NOT_NUMBERS: Final = ("n.a.?", "12,34,5", "1_000", "12.3.4", "abc", "--")
BAD_DATES: Final = ("2024-13-01", "2023-02-30", "31/12/2023", "yesterday", "2024-00-10")


def _pick(choices: tuple[str, ...] | list[str], index: npt.NDArray[np.int64]) -> pa.StringArray:
    return pa.array(choices, pa.string()).take(index)


def _joined(*parts: pa.StringArray | str, separator: str = "") -> pa.StringArray:
    return cast("pa.StringArray", cast("Any", pc).binary_join_element_wise(*parts, separator))


def _digits(numbers: npt.NDArray[np.int64]) -> pa.StringArray:
    return cast("pa.StringArray", pc.cast(pa.array(numbers), pa.string()))


def _where(mask: Mask, then: pa.StringArray | str, otherwise: pa.StringArray | str) -> pa.StringArray:
    return cast("pa.StringArray", pc.if_else(pa.array(mask), then, otherwise))


FOUR_DIGITS: Final = [f"{number:04d}" for number in range(10_000)]
THREE_DIGITS: Final = [f"{number:03d}" for number in range(1_000)]
DECIMALS: Final = [("." + f"{number:03d}").rstrip("0").rstrip(".") for number in range(1_000)]


#: Activities start in the factors' years; their ends, and the wrong ends before the start, may lie a quarter outside.
START_DAYS: Final = 365 + 366
MAXIMUM_DAYS: Final = 92
DAYS: Final = [
    str(np.datetime64(f"{YEARS[0]}-01-01") + day) for day in range(-MAXIMUM_DAYS, START_DAYS + MAXIMUM_DAYS + 1)
]


def faults_of(recipe: Recipe, start: int, stop: int) -> npt.NDArray[np.int64]:
    """The fault of each row of a range. The first row is always good, so that every duplicate finds a row to repeat."""
    draws = Draws(recipe.seed, start, stop)
    kinds = draws.below("fault kind", len(Fault) - 1) + 1
    faults = np.where(draws.chance("fault", recipe.bad_share), kinds, Fault.NONE)
    faults[np.arange(start, stop) == 0] = Fault.NONE
    return faults


def changed_rows(recipe: Recipe, start: int, stop: int, faults: npt.NDArray[np.int64]) -> Mask:
    """The good rows of a range that have another quantity than in the first version of the file."""
    if recipe.changed == "scattered":
        chosen = Draws(recipe.seed, start, stop).chance("changed", recipe.changed_share)
    elif recipe.changed == "block":
        rows = np.arange(start, stop)
        first = int(recipe.rows * BLOCK_START)
        chosen = (rows >= first) & (rows < first + int(recipe.rows * recipe.changed_share))
    else:
        chosen = np.zeros(stop - start, dtype=np.bool_)
    return np.asarray(chosen & (faults == Fault.NONE))


def _keys(recipe: Recipe, start: int, stop: int, faults: npt.NDArray[np.int64]) -> pa.StringArray:
    """Sequential keys; a duplicate repeats the key of the nearest good row before it."""
    before = max(0, start - DUPLICATE_REACH)
    known = np.concatenate([faults_of(recipe, before, start), faults])
    rows = np.arange(before, stop)
    nearest_good = np.maximum.accumulate(np.where(known == Fault.NONE, rows, 0))
    numbers = np.where(known == Fault.DUPLICATE_KEY, nearest_good, rows)[start - before :] + 1
    keys = _joined("ACT-", _pick(FOUR_DIGITS, numbers // 10_000), _pick(FOUR_DIGITS, numbers % 10_000))
    return _where(faults == Fault.MISSING_KEY, "", keys)


def _quantities(recipe: Recipe, draws: Draws, changed: Mask, faults: npt.NDArray[np.int64]) -> pa.StringArray:
    whole = draws.below("whole", 20_000) + 1
    # Beyond the range of the first version, so that a changed row is never equal to it.
    whole = np.where(changed, whole + 20_000, whole)
    grouped = draws.chance("grouped", recipe.grouped_share)
    # A number with a thousands separator has to be a thousand at least.
    whole = np.where(grouped & (whole < 1_000), whole + 1_000, whole)
    decimals = _pick(DECIMALS, draws.below("decimals", 1_000))
    plain = _joined(_digits(whole), decimals)
    thousands = _digits(whole // 1_000)
    quoted = _joined('"', thousands, ",", _pick(THREE_DIGITS, whole % 1_000), decimals, '"')
    text = _where(grouped, quoted, plain)
    text = _where(faults == Fault.NEGATIVE_QUANTITY, _joined("-", plain), text)
    wrong = _joined('"', _pick(NOT_NUMBERS, draws.below("not a number", len(NOT_NUMBERS))), '"')
    return _where(faults == Fault.NOT_A_NUMBER, wrong, text)


def _periods(draws: Draws, faults: npt.NDArray[np.int64]) -> tuple[pa.StringArray, pa.StringArray]:
    first = draws.below("start day", START_DAYS) + MAXIMUM_DAYS
    length = draws.below("length", MAXIMUM_DAYS) + 1
    backwards = faults == Fault.PERIOD_END_BEFORE_START
    last = np.where(backwards, first - length, first + length)
    wrong = _pick(BAD_DATES, draws.below("bad date", len(BAD_DATES)))
    open_ended = draws.chance("open-ended", 0.02) & ~backwards
    return (
        _where(faults == Fault.BAD_DATE, wrong, _pick(DAYS, first)),
        _where(open_ended, "", _pick(DAYS, last)),
    )


def _types_regions_units(draws: Draws) -> tuple[pa.StringArray, pa.StringArray, pa.StringArray]:
    kind = draws.below("type", len(ACTIVITY_TYPES))
    region = 2 * draws.below("region", REGIONS_PER_TYPE) + kind % 2
    width = max(len(entry.units) for entry in ACTIVITY_TYPES)
    units = [entry.units[place % len(entry.units)] for entry in ACTIVITY_TYPES for place in range(width)]
    return (
        _pick([entry.name for entry in ACTIVITY_TYPES], kind),
        _pick(REGIONS, region),
        _pick(units, kind * width + draws.below("unit", width)),
    )


def _notes(draws: Draws, two_lines: Mask) -> pa.StringArray:
    plain = _pick(NOTES, draws.below("note", len(NOTES)))
    return _where(two_lines, '"first reading lost\nsecond taken by hand"', plain)


@dataclass(frozen=True, kw_only=True)
class _Block:
    text: bytes
    faults: npt.NDArray[np.int64]
    changed: int
    two_line_notes: int


def _block(recipe: Recipe, start: int, stop: int) -> _Block:
    draws = Draws(recipe.seed, start, stop)
    faults = faults_of(recipe, start, stop)
    changed = changed_rows(recipe, start, stop, faults)
    kinds, regions, units = _types_regions_units(draws)
    starts, ends = _periods(draws, faults)
    qualities = _pick(QUALITIES, draws.below("quality", len(QUALITIES)))
    has_cost = draws.chance("has cost", 0.7)
    cost = draws.below("cost", 1_000_000)
    cents = _pick([f".{number:02d}" for number in range(100)], cost % 100)
    two_lines = draws.chance("two lines", recipe.two_line_share)
    fields = (
        _keys(recipe, start, stop, faults),
        kinds,
        _joined("F-", _pick(FOUR_DIGITS, draws.below("facility", 2_500))),
        regions,
        starts,
        ends,
        _quantities(recipe, draws, changed, faults),
        units,
        _where(faults == Fault.UNKNOWN_ENUM, "guessed", qualities),
        _pick(SUPPLIERS, draws.below("supplier", len(SUPPLIERS))),
        _joined(
            "INV-",
            _pick(FOUR_DIGITS, draws.below("book", 10_000)),
            "-",
            _pick(FOUR_DIGITS, draws.below("page", 10_000)),
        ),
        _where(has_cost, _joined(_digits(cost // 100), cents), ""),
        _where(has_cost, _pick(CURRENCIES, draws.below("currency", len(CURRENCIES))), ""),
        _notes(draws, two_lines),
    )
    # A ragged row carries two fields too many, as when a text with commas was not quoted.
    tail = _where(faults == Fault.RAGGED_ROW, ",left over,2\n", "\n")
    kept = ~np.isin(faults, [Fault[name.upper()] for name in recipe.omitted])
    lines = _joined(_joined(*fields, separator=","), tail).filter(pa.array(kept))
    return _Block(
        text="".join(cast("list[str]", lines.to_pylist())).encode(),
        faults=faults[kept],
        changed=int(changed.sum()),
        two_line_notes=int((two_lines & kept).sum()),
    )


def write_activities(recipe: Recipe, path: Path) -> Contents:
    """Write the file and, beside it, `<name>.json` with its contents."""
    digest = hashlib.sha256()
    size = good = changed = two_line_notes = 0
    faults = np.zeros(len(Fault), dtype=np.int64)
    with path.open("wb") as out:
        header = (",".join(COLUMNS) + "\n").encode()
        blocks = (
            _block(recipe, start, min(start + BLOCK_ROWS, recipe.rows)) for start in range(0, recipe.rows, BLOCK_ROWS)
        )
        out.write(header)
        digest.update(header)
        size += len(header)
        for block in blocks:
            out.write(block.text)
            digest.update(block.text)
            size += len(block.text)
            good += int((block.faults == Fault.NONE).sum())
            changed += block.changed
            two_line_notes += block.two_line_notes
            faults += np.bincount(block.faults, minlength=len(Fault))
    contents = Contents(
        recipe=recipe,
        bytes=size,
        sha256=digest.hexdigest(),
        rows=int(faults.sum()),
        good_rows=good,
        bad_rows=int(faults.sum()) - good,
        changed_rows=changed,
        two_line_notes=two_line_notes,
        faults={fault.name.lower(): int(faults[fault]) for fault in Fault if fault is not Fault.NONE},
    )
    contents_path(path).write_text(json.dumps(asdict(contents), indent=2) + "\n", encoding="utf-8")
    return contents


def contents_path(path: Path) -> Path:
    """Where the contents of a generated file are told."""
    return path.with_suffix(".json")


def read_contents(path: Path) -> Contents | None:
    """What `write_activities` told of the file at `path`; None if it was never written whole."""
    told = contents_path(path)
    if not path.exists() or not told.exists():
        return None
    facts: dict[str, Any] = json.loads(told.read_text(encoding="utf-8"))
    facts["recipe"] = Recipe(**{**facts["recipe"], "omitted": tuple(facts["recipe"]["omitted"])})
    contents = Contents(**facts)
    return contents if contents.bytes == path.stat().st_size else None


FACTOR_COLUMNS: Final = (
    "factor_id",
    "source",
    "publication_year",
    "activity_type",
    "region",
    "unit",
    "scope",
    "category",
    "method",
    "gwp_set",
    "co2e_kg_per_unit",
    "co2_kg_per_unit",
    "ch4_kg_per_unit",
    "n2o_kg_per_unit",
    "valid_from",
    "valid_to",
    "licence",
    "redistributable",
    "note",
)
#: Kilograms of CO2e a kilogram of gas in AR5 (IPCC 2013, table 8.A.1, without climate-carbon feedback).
AR5_METHANE: Final = Decimal(28)
AR5_NITROUS_OXIDE: Final = Decimal(265)


def _factor_line(kind: ActivityType, region: str, year: int, number: int) -> str:
    draws = Draws(DEFAULT_SEED, number, number + 1)
    co2 = Decimal(int(draws.below("co2", 4_000_000)[0]) + 1_000) / 1_000_000
    ch4 = Decimal(int(draws.below("ch4", 5_000)[0])) / 100_000_000
    n2o = Decimal(int(draws.below("n2o", 2_000)[0])) / 100_000_000
    co2e = co2 + ch4 * AR5_METHANE + n2o * AR5_NITROUS_OXIDE
    cells = (
        f"{kind.name}-{region}-{year}",
        "Headwater benchmark (invented figures)",
        str(year),
        kind.name,
        region,
        kind.factor_unit,
        str(kind.scope),
        "" if kind.category is None else str(kind.category),
        "location_based" if kind.scope == 2 else "activity_based",
        "AR5",
        *(f"{figure:.10f}" for figure in (co2e, co2, ch4, n2o)),
        f"{year}-01-01",
        f"{year + 1}-01-01",
        "CC0-1.0",
        "true",
        "",
    )
    return ",".join(cells)


def write_factors(path: Path) -> int:
    """Write one factor a kind, region and year, so that every activity matches exactly one. Returns how many."""
    lines = [",".join(FACTOR_COLUMNS)]
    for place, kind in enumerate(ACTIVITY_TYPES):
        for region in REGIONS[place % 2 :: 2]:
            lines.extend(_factor_line(kind, region, year, len(lines) + step) for step, year in enumerate(YEARS))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(lines) - 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.generate", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    activities = commands.add_parser("activities", help="activity rows as CSV")
    activities.add_argument("path", type=Path)
    activities.add_argument("--rows", type=int, default=2_000_000)
    activities.add_argument("--bad-share", type=float, default=0.01, help="share of bad rows, 0 to 1")
    activities.add_argument("--changed", choices=("scattered", "block"), help="write a later version of the same file")
    activities.add_argument("--changed-share", type=float, default=0.01)
    activities.add_argument(
        "--omit", nargs="*", default=(), choices=[fault.name.lower() for fault in Fault], help="faults to leave out"
    )
    activities.add_argument("--seed", type=int, default=DEFAULT_SEED)
    factors = commands.add_parser("factors", help="the 2,000 emission factors that fit the activities, as CSV")
    factors.add_argument("path", type=Path)
    return parser.parse_args()


def main() -> None:
    """Write one file as the command line asks."""
    asked = _arguments()
    asked.path.parent.mkdir(parents=True, exist_ok=True)
    if asked.command == "factors":
        print(f"{write_factors(asked.path):,} factors in {asked.path}")
        return
    recipe = Recipe(
        rows=asked.rows,
        bad_share=asked.bad_share,
        changed=asked.changed,
        changed_share=asked.changed_share,
        omitted=tuple(asked.omit),
        seed=asked.seed,
    )
    print(json.dumps(asdict(write_activities(recipe, asked.path)), indent=2))


if __name__ == "__main__":
    main()
