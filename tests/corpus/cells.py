"""What stands in the cells, to be loaded as it stands."""

from __future__ import annotations

from tests.corpus.pollutions import Answer, Pollution, loaded, table

LONG = "x" * 200_000


def _cells(name: str, *texts: str, says: str = "") -> Pollution:
    """A table with these texts in its second column."""
    rows = tuple((f"row {number}", text) for number, text in enumerate(texts, start=1))
    delimiter = ";" if any("," in text for text in texts) else ","
    body = "".join(f"{key}{delimiter}{text}\n" for key, text in rows)
    return loaded(name, f"key{delimiter}value\n{body}", Answer(columns=("key", "value"), rows=rows), says=says)


POLLUTIONS = (
    _cells("leading zeros", "007", "00501", "0"),
    _cells("long identifiers of digits", "5493001KJTIIGC8Y1R12", "12345678901234567890", "900719925474099312345"),
    _cells("figures in scientific form", "1.5E+05", "2e-7", "1E400"),
    _cells("trailing zeros", "1.50", "2.00", "3.10"),
    _cells("figures with signs and units", "+5", "−3", "(12)", "45 %", "5 kWh"),
    _cells("thousands with commas and points", "1,520", "1.520", "1'520"),
    _cells("figures with underscores", "1_000", "2_000"),
    _cells("words for nothing", "NA", "N/A", "NULL", "nan", "None", "-", "#N/A"),
    _cells("words for infinity", "inf", "-inf", "Infinity"),
    _cells("yes and no", "TRUE", "false", "Yes", "0", "1"),
    _cells("dates in several orders", "2024-03-01", "01/03/2024", "03/01/2024", "1.3.24", "20240301"),
    _cells("times and zones", "2024-03-01T12:00:00Z", "2024-03-01 12:00+02:00", "24:00"),
    _cells("hours beyond a day", "12:30", "25:00", "100:15"),
    _cells("spaces around texts", " x ", "  y", "z  "),
    _cells("spaces alone in a cell", "x", " ", "y"),
    _cells("formulas", "=1+1", "=cmd/' /C calc'!A0", "@SUM(A1)", "+1", "-1"),
    _cells("errors of workbooks", "#DIV/0!", "#REF!", "#VALUE!"),
    _cells("emoji and other planes", "🌊", "👩‍🔬", "𝔘"),
    _cells("combining characters", "e\u0301", "é", "A\u030a"),
    _cells("marks of direction", "\u200fשלום\u200e", "\u202eabc\u202c", "x"),
    _cells("zero-width characters", "a\u200bb", "\ufeffc", "d\u2060"),
    _cells("control characters", "a\x01b", "c\x07", "\x1bd", says="control characters"),
    _cells("tabs in texts", "a\tb", "\tc", "d\t"),
    _cells("HTML in texts", "<b>x</b>", "&amp", "a<br>b"),
    _cells("backslashes", "C:\\temp\\new", "\\N", "a\\nb"),
    _cells("comment signs within", "a # b", "x#", "--"),
    _cells("private and unassigned characters", "\ue000", "\U000e0041", "\uffff"),
    loaded("a very long cell", f"a,b\n{LONG},1\nx,2\n", table("a|b", f"{LONG}|1", "x|2")),
    loaded(
        "a very long cell with line breaks",
        'a,b\n"' + "line\n" * 30_000 + '",1\nx,2\n',
        Answer(columns=("a", "b"), rows=(("line\n" * 30_000, "1"), ("x", "2"))),
    ),
    loaded("dates with the delimiter in quotes", 'day,kWh\n"March 1, 2024",5\n', table("day|kWh", "March 1, 2024|5")),
    loaded("a mark of byte order within", "a,b\n1,2\n\ufeff3,4\n", table("a|b", "1|2", "\ufeff3|4")),
)
