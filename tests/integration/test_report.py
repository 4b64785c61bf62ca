from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from headwater.errors import Misuse
from headwater.services.reports.of_run import write_report
from headwater.store import audit
from tests.river import River, activities, factors

FACTORS = factors(
    [
        {"factor_id": "grid", "co2e_kg_per_unit": "400", "licence": "CC BY 4.0", "source": "Agency"},
        {
            "factor_id": "gas",
            "activity_type": "natural_gas",
            "scope": "1",
            "method": "activity_based",
            "co2e_kg_per_unit": "2000",
        },
        {
            "factor_id": "train",
            "activity_type": "train",
            "scope": "3",
            "category": "6",
            "unit": "km",
            "method": "activity_based",
            "redistributable": "false",
        },
    ]
)
NASTY = "<script>alert('x')</script>&\"quoted\""


class Page(HTMLParser):
    """What is on the page: every tag with its attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.html = html
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += f"{data} "

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def report_of(river: River, run: object) -> Page:
    path = river.folder / "report.html"
    write_report(river.installation, str(run), path)
    return Page(path.read_text(encoding="utf-8"))


def loaded(river: River) -> Page:
    river.load(FACTORS, name="factors.csv", mapping="factor_form")
    rows = [
        {"activity_id": f"e{month}", "period_start": f"2024-{month:02}-01", "quantity": str(month)}
        for month in range(1, 7)
    ]
    rows += [
        {
            "activity_id": f"g{month}",
            "activity_type": "natural_gas",
            "period_start": f"2024-{month:02}-01",
            "quantity": "2",
        }
        for month in (1, 2, 4)
    ]
    rows += [
        {"activity_id": "t", "activity_type": "train", "unit": "km", "period_start": "2024-03-05", "quantity": "3000"}
    ]
    rows += [{"activity_id": f"bad{number}", "quantity": NASTY} for number in range(7)]
    rows += [{"activity_id": "odd", "region": "FR"}]
    run_id, _ = river.load(activities(rows))
    return report_of(river, run_id)


def test_the_page_says_what_was_read_refused_noticed_and_emitted(river: River) -> None:
    page = loaded(river)
    words = " ".join(page.text.split())
    assert "Records read 18" in words
    assert "inserted 11" in words
    assert "5 of 7 shown" in words
    assert "activity.quantity.type" in words
    assert "calculation.no_factor" in words
    # 21 × 400 kg by grid, 6 × 2000 kg by gas, 3000 × 0.5 kg by train.
    assert "Total 10 21.900" in words
    assert "Scope 1 activity-based 3 12.000" in words
    assert "Scope 2 location-based 6 8.400" in words
    assert "Scope 3 activity-based 6 1 1.500" in words
    assert "Mar 2024 – 1.200 1.500 2.700" in words
    assert "GWP set AR5" in words
    assert re.search(r"The figures rest on: CC BY 4\.0: [^;]*, \d factors", words)
    assert "grid 400 / kWh" in words
    assert "train left out" in words  # it may not be passed on
    with river.installation.database.connect(river.installation.tenant_id) as connection:
        assert str(audit.head(connection, river.installation.tenant_id)) in words


def test_the_page_needs_nothing_else_and_lets_nothing_in(river: River) -> None:
    page = loaded(river)
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert not [attributes for _, attributes in page.tags if {"style", "src", "onload"} & attributes.keys()]
    assert NASTY in page.text
    assert all((attributes["href"] or "").startswith("#") for attributes in page.of("a"))
    (style,) = re.findall(r"<style>(.*?)</style>", page.html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = [meta["content"] for meta in page.of("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'"
    assert "url(" not in style
    assert "@import" not in style


def test_every_mark_has_a_title_and_every_chart_a_table(river: River) -> None:
    page = loaded(river)
    marks = re.findall(r'<rect class="scope\d"[^>]*>(.*?)</rect>', page.html)
    assert len(marks) == 3 + 6 + 3 + 1
    assert all(re.fullmatch(r"<title>[^<]+: [\d.,]+( t CO₂e)?</title>", mark) for mark in marks)
    assert page.html.count('<svg class="chart"') == 2
    assert page.html.count('aria-label="Emissions by') >= 4


def test_there_is_one_heading_a_language_and_scoped_heads(river: River) -> None:
    page = loaded(river)
    assert len(page.of("h1")) == 1
    assert page.of("html") == [{"lang": "en"}]
    assert all("scope" in attributes for attributes in page.of("th"))
    assert len(page.of("main")) == 1


def test_a_run_without_figures_says_why(river: River) -> None:
    run_id, _ = river.load(FACTORS, name="factors.csv", mapping="factor_form")
    assert "calculate none" in report_of(river, run_id).text
    run_id, _ = river.load(activities([{"activity_id": "a", "region": "XX"}]))
    assert "which factor was missing" in report_of(river, run_id).text
    run_id, _ = river.load(activities([]), name="empty.csv")
    assert "No record of this run was refused" in report_of(river, run_id).text


def test_figures_that_were_reported_are_shown_by_year(river: River) -> None:
    (river.folder / "reported.yaml").write_text(
        """
mapping: reported
version: 1.0.0
contract: facility_emission@1
fields: {source: {constant: s}, facility_code: {column: facility}, year: {column: year}, gwp_set: {constant: AR4},
  scope1_co2e_t: {column: one}, scope2_co2e_t: {column: two}}
"""
    )
    content = "facility,year,one,two\na,2020,10,1.5\nb,2020,5,\na,2022,7,2\n"
    run_id, _ = river.load(content, name="reported.csv", mapping=str(river.folder / "reported.yaml"))
    words = " ".join(report_of(river, run_id).text.split())
    assert "2020 15.000 1.500 16.500" in words
    assert "2021 – – no data" in words
    assert "GWP set AR4" in words


def test_a_report_that_cannot_be_written_says_so(river: River) -> None:
    run_id, _ = river.load(activities([]))
    with pytest.raises(Misuse, match="cannot be written"):
        write_report(river.installation, str(run_id), Path("/nowhere/report.html"))
