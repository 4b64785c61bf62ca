"""Companies: who they are, what they do, and what they earned."""

from __future__ import annotations

from importlib import resources

from headwater.packs.companies.contracts import Company, CompanyAccounts, IndustryCode
from headwater.packs.pack import Pack

pack = Pack(
    name="companies",
    title="Companies",
    contracts=(Company, CompanyAccounts, IndustryCode),
    mappings=resources.files(__name__).joinpath("mappings"),
)
