"""A pack of places that name each other: countries, and sites that lie in one and may belong to another site."""

from __future__ import annotations

from datetime import date
from importlib import resources
from typing import Annotated

from headwater.contracts import Code, Contract, Date, Text
from headwater.packs import Pack


class Country(Contract, name="country", version="1.0.0", title="Country", description="A country."):
    """What sites refer to by either code."""

    code: Annotated[str, Code(key=True, max_length=2, description="Its code.")]
    iso3: Annotated[str | None, Code(max_length=3, description="Its longer code.")] = None
    name: Annotated[str | None, Text(max_length=100, description="Its name.")] = None


class Site(Contract, name="site", version="1.0.0", title="Site", description="A site."):
    """Refers to countries, and to sites."""

    site_id: Annotated[str, Code(key=True, max_length=16, description="What it is called.")]
    parent: Annotated[str | None, Code(reference="site.site_id", description="The site it belongs to.")] = None
    country: Annotated[str | None, Code(reference="country.code", description="Where it lies.")] = None
    iso3: Annotated[str | None, Code(reference="country.iso3", description="The same by the longer code.")] = None
    opened: Annotated[date | None, Date(description="When it was opened.")] = None
    note: Annotated[str | None, Text(max_length=100, description="Free remark.")] = None


pack = Pack(
    name="places",
    title="Places",
    contracts=(Country, Site),
    mappings=resources.files("tests.packs").joinpath("mappings"),
)
