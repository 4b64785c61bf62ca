"""The reference page of units, made from the tables that the registry is made of."""

from __future__ import annotations

from collections.abc import Iterator

from headwater.accounting.units import UNITS
from headwater.accounting.units.families import FIRST_YEAR, GWP_SETS, LAST_YEAR
from headwater.accounting.units.tables import conditions, currency_codes, doubtful, source_words, sources, unit_rows

INTRODUCTION = """\
A unit is written as one of its spellings. Those under *as written* count exactly so, since case tells mega from milli;
those under *any case* are also read in capitals, small letters and capitalised, with spaces, hyphens, underscores or
nothing between words. Everything else is no unit: the activity is loaded, its calculation leaves a finding, and the
finding names what the word may mean. Sizes are exact; a conversion is a fraction until its one rounding, half up.

Units convert within a kind and never across, whatever they have in common: gross and net energy, gas at 0 °C and at
15 °C, euros of two years, CO2e by two sets of warming potentials. [Units that refuse](../explanation/units.md) says
what leads from one to the other.

## Settling a word in doubt

A word under [Words in doubt](#words-in-doubt) is settled by the mapping, once for its source:

```yaml
mapping: us_gas_bills
version: 1.0.0
contract: activity@1
fields:
  activity_id: {column: bill}
  activity_type: {constant: natural_gas}
  region: {constant: US}
  period_start: {column: from}
  quantity: {column: usage}
  unit: {column: unit, values: {Mcf: kft3, therms: therm_us, MBtu: kBtu}, otherwise: keep}
```

What usual sources mean by such words stands under [Words of sources](#words-of-sources), ready to be copied
into `values`.
"""


def units_page(note: str) -> str:
    """Every listed unit by kind, the families made by rule, the doubts and the words of sources."""
    return (
        "\n".join(
            ["# Units", "", note, INTRODUCTION, *_listed(), *_laid_down(), *_families(), *_doubts(), *_sources()]
        ).rstrip()
        + "\n"
    )


def _listed() -> Iterator[str]:
    yield from ("## Kinds and units", "", "Sizes are in the base unit of the kind: the one of size 1.", "")
    rows = unit_rows()
    for dimension in dict.fromkeys(row.dimension for row in rows):
        yield from (f"### {dimension[0].upper()}{dimension[1:]}", "")
        yield from ("| unit | size | laid down by | as written | any case |", "|---|---|---|---|---|")
        for row in rows:
            if row.dimension == dimension:
                exact, free = (", ".join(f"`{text}`" for text in texts) for texts in (row.exact, row.free))
                yield f"| `{row.symbol}` | {_size(row.symbol)} | {row.source} | {exact} | {free} |"
        yield ""


def _size(symbol: str) -> str:
    size = UNITS[symbol].size
    twos_and_fives = size.denominator
    for prime in (2, 5):
        while twos_and_fives % prime == 0:
            twos_and_fives //= prime
    if twos_and_fives != 1:
        return f"{size.numerator}/{size.denominator}"
    places = 0
    while (size * 10**places).denominator != 1:
        places += 1
    digits = str(int(size * 10**places)).zfill(places + 1)
    return f"{digits[:-places]}.{digits[-places:]}" if places else digits


FAMILIES = """\
## Units made by rule

- **Energy of fuels** by gross and by net calorific value: {fuel}, with `_gross` or `_net` behind. Also written
  `kWh (Gross CV)`, `kWh Hs`, `kWh HHV`, `kWh GCV`, `kWh (Net CV)`, `kWh Hi`, `kWh LHV`, `kWh NCV`.
- **Masses of single gases**: {gases}; with `g`, `kg`, `t`, `kt`, `megatonne`, `lb`, `short_ton_` before the gas.
- **CO2e without a stated set**: `kgCO2e`, `tCO2e` and so on; also `kg CO2-eq`, `t CO₂e`, `tonnes CO2 equivalent`.
- **CO2e by a set** of warming potentials, as in `kgCO2e_AR5`; also `kg CO2e AR5`, `kgCO2e (AR5)`. Sets: {sets}.
- **Money**: {codes} codes of ISO 4217. For {yearly} also thousands (`kEUR`), millions (`MEUR`), and money of a year,
  {first} to {last} (`EUR_2024`, `EUR 2024`).

Gas volumes count at these temperatures and pressures:
"""


def _laid_down() -> Iterator[str]:
    yield from ("## Who laid them down", "", "| short | in full |", "|---|---|")
    yield from (f"| {short} | {full} |" for short, full in sources().items())
    yield ""


def _families() -> Iterator[str]:
    codes = currency_codes()
    dimensions = dict.fromkeys(unit.dimension for unit in UNITS.values())
    gases = [name.removeprefix("mass of ") for name in dimensions if name.startswith("mass of ")]
    yield FAMILIES.format(
        fuel=", ".join(f"`{symbol.removesuffix('_gross')}`" for symbol in UNITS if symbol.endswith("_gross")),
        gases=", ".join(f"`kg{gas}`" for gas in gases),
        sets=", ".join(GWP_SETS),
        codes=len(codes),
        yearly=", ".join(code for code, yearly in codes.items() if yearly),
        first=FIRST_YEAR,
        last=LAST_YEAR,
    )
    yield from ("| kind | temperature | pressure | base unit measures |", "|---|---|---|---|")
    for kind, at in conditions().items():
        volume = f"{float(at.litres):.6f}".rstrip("0").rstrip(".")
        yield f"| {kind} | {float(at.temperature):.2f} K | {float(at.pressure):.4f} kPa | {volume} l |"
    yield ""


def _doubts() -> Iterator[str]:
    yield from ("## Words in doubt", "", "Case does not count here.", "", "| word | may mean | why |", "|---|---|---|")
    for word, doubt in sorted(doubtful().items()):
        yield f"| `{word}` | {', '.join(f'`{symbol}`' for symbol in doubt.candidates)} | {doubt.why} |"
    yield ""


def _sources() -> Iterator[str]:
    yield from ("## Words of sources", "")
    for source, words in source_words().items():
        yield f"- **{source}**: " + ", ".join(f"`{word}` is `{symbol}`" for word, symbol in words.items()) + "."
