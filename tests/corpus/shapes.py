"""Records that are longer or shorter than the header, and lines that are no records."""

from __future__ import annotations

from tests.corpus.pollutions import COLUMNS, ROWS, TEXT, Answer, loaded, table

POLLUTIONS = (
    loaded("a record too short", "a,b,c\n1,2,3\n4,5\n6,7,8\n", table("a|b|c", "1|2|3", "6|7|8", ragged=("4,5",))),
    loaded(
        "a record too long", "a,b,c\n1,2,3\n4,5,6,7\n8,9,0\n", table("a|b|c", "1|2|3", "8|9|0", ragged=("4,5,6,7",))
    ),
    loaded(
        "records too short and too long",
        "a,b\n1,2\n3\n4,5,6\n7,8\n9,,\n",
        table("a|b", "1|2", "7|8", ragged=("3", "4,5,6", "9,,")),
    ),
    loaded(
        "the first record too short",
        "a,b,c\n1,2\n3,4,5\n6,7,8\n9,0,1\n",
        table("a|b|c", "3|4|5", "6|7|8", "9|0|1", ragged=("1,2",)),
    ),
    loaded(
        "a short record with quotes and a line break",
        'a,b,c\n1,2,3\n"x\ny",5\n6,7,8\n9,9,9\n',
        table("a|b|c", "1|2|3", "6|7|8", "9|9|9", ragged=('"x\ny",5',)),
    ),
    loaded("a blank line between", "a,b\n1,2\n\n3,4\n", table("a|b", "1|2", "3|4", blank=1)),
    loaded("lines of spaces", "a,b\n1,2\n   \n3,4\n", table("a|b", "1|2", "3|4", blank=1)),
    loaded("lines of delimiters", "a,b,c\n1,2,3\n,,\n4,5,6\n,,\n", table("a|b|c", "1|2|3", "4|5|6", blank=2)),
    loaded(
        "thousands of lines of delimiters, as Excel saves",
        TEXT + ",,\n" * 5_000,
        Answer(columns=COLUMNS, rows=ROWS, skipped={"blank": 5_000}),
    ),
    loaded("blank records of one column", "name\nx\n\ny\n", table("name", "x", "y", blank=1)),
    loaded("quoted blanks", 'a,b\n1,2\n"",""\n3,4\n', table("a|b", "1|2", "3|4", blank=1)),
    loaded(
        "a note below",
        "a,b\nx,2\ny,4\nz,6\n\nSource: the meter book\n",
        table("a|b", "x|2", "y|4", "z|6", ragged=("Source: the meter book",), blank=1),
    ),
    loaded(
        "a note with a delimiter below, filled up",
        "a,b,c\nx,2,3\ny,4,5\nSource: the meter book,,\n",
        table("a|b|c", "x|2|3", "y|4|5", "Source: the meter book||"),
    ),
    loaded(
        "a line of totals",
        "site,kWh\nA,2\nB,4\nTotal,6\n",
        table("site|kWh", "A|2", "B|4", "Total|6"),
        says="totals",
    ),
    loaded(
        "totals between and below",
        "site,kWh\nA,2\nSubtotal,2\nB,4\nGrand total,6\n",
        table("site|kWh", "A|2", "Subtotal|2", "B|4", "Grand total|6"),
        says="line 3 begins with a word for totals",
    ),
    loaded("an end line", "a,b\n1,2\n3,4\nEND\n", table("a|b", "1|2", "3|4", ragged=("END",))),
    loaded("a count below", "a,b\n1,2\n3,4\n\n(2 rows)\n", table("a|b", "1|2", "3|4", ragged=("(2 rows)",), blank=1)),
    loaded(
        "merged cells saved as blanks",
        "region,site,kWh\nNorth,A,1.5\n,B,2.5\nSouth,C,3.5\n,D,4.5\n",
        table("region|site|kWh", "North|A|1.5", "|B|2.5", "South|C|3.5", "|D|4.5"),
    ),
    loaded(
        "a section's name in the first cell",
        "site,kWh\nNorth,\nA,1.5\nB,2.5\n\nSouth,\nC,3.5\n",
        table("site|kWh", "North|", "A|1.5", "B|2.5", "South|", "C|3.5", blank=1),
    ),
    loaded("records twice", "a,b\n1,2\n1,2\n1,2\n", table("a|b", "1|2", "1|2", "1|2")),
    loaded("all columns but one blank", "a,b,c\n,,1\n,,2\n", table("a|b|c", "||1", "||2")),
    loaded(
        "many records",
        "a,b\n" + "".join(f"{number},x\n" for number in range(3_000)),
        Answer(columns=("a", "b"), rows=tuple((str(number), "x") for number in range(3_000))),
    ),
    loaded(
        "a record too long, late",
        "a,b\n" + "1,x\n" * 2_000 + "2,y,z\n" + "3,x\n" * 10,
        Answer(columns=("a", "b"), rows=(("1", "x"),) * 2_000 + (("3", "x"),) * 10, ragged=("2,y,z",)),
    ),
    loaded(
        "a text in a column of figures, late",
        "a,b\n" + "1,5\n" * 25_000 + "1,n/a\n",
        Answer(columns=("a", "b"), rows=(("1", "5"),) * 25_000 + (("1", "n/a"),)),
    ),
)
