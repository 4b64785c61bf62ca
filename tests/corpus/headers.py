"""What stands above the records."""

from __future__ import annotations

from tests.corpus.pollutions import COLUMNS, PLAIN, ROWS, TEXT, Answer, loaded, refused, table, written

LONG = "consumption of purchased electricity " * 60
WORLD_BANK = (
    '"Data Source","World Development Indicators",\n\n"Last Updated Date","2024-01-01",\n\n'
    '"Country","Code","2022","2023"\n"Aruba","ABW","1.5","2.5"\n"Chad","TCD","3.5",""\n'
)

POLLUTIONS = (
    loaded("a title above", "Meter readings 2024\n" + TEXT),
    loaded("titles and blank lines above", "Meter readings\n\nmade by hand, without care\n\n\n" + TEXT),
    loaded("titles filled up with delimiters", "Meter readings,,\n,,\n" + TEXT),
    loaded("blank lines above", "\n\n\n" + TEXT),
    loaded(
        "World Bank's lines above", WORLD_BANK, table("Country|Code|2022|2023", "Aruba|ABW|1.5|2.5", "Chad|TCD|3.5|")
    ),
    loaded(
        "lines of key and value above",
        "Report;Energy\nYear;2024\nUnit;kWh\n\nsite;kWh;note\nAthens;1520;meter A\nBerlin;98.5;\nCork;7;by hand\n",
    ),
    refused(
        "a title with as many fields as the records",
        "Readings, of 2024, by hand\nsite,kWh,kg\nA,1.5,2.5\nB,3.5,4.5\n",
        "line 2 may be the header",
        table("site|kWh|kg", "A|1.5|2.5", "B|3.5|4.5"),
        preamble=1,
    ),
    refused(
        "a table with more columns below",
        "site,mass\nA,1.5\nB,2.5\n\ncode,year,kWh\nX,2023,6\nY,2023,7\nZ,2022,8\n",
        "several tables",
        table("code|year|kWh", "X|2023|6", "Y|2023|7", "Z|2022|8"),
        preamble=4,
    ),
    refused(
        "another table of as many columns below",
        "site,mass\nA,1.5\nB,2.5\n\nfuel,energy\nX,6.5\nY,7.5\n",
        "several tables",
        table("site|mass", "A|1.5", "B|2.5", "fuel|energy", "X|6.5", "Y|7.5", blank=1),
        preamble=0,
    ),
    loaded(
        "the header again in the middle",
        TEXT + TEXT,
        Answer(columns=COLUMNS, rows=ROWS + ROWS, skipped={"header": 1}),
        says="stands again",
    ),
    loaded(
        "the header again on every page, below blank lines",
        (TEXT + "\n\n") * 3,
        Answer(columns=COLUMNS, rows=ROWS * 3, skipped={"header": 2, "blank": 6}),
        says="stands again",
    ),
    loaded(
        "files with byte order marks put together",
        ("\ufeff" + TEXT) * 2,
        Answer(columns=COLUMNS, rows=ROWS + ROWS, skipped={"header": 1}),
    ),
    loaded(
        "a header over two lines",
        "site,energy,energy\n,2022,2023\nA,1.5,2.5\nB,3.5,4.5\n",
        table("site|energy|energy_2", "|2022|2023", "A|1.5|2.5", "B|3.5|4.5"),
        says="stands before it",
    ),
    refused(
        "a second line of names",
        "site,energy,mass\nname,total,net\nA,1.5,2.5\nB,3.5,4.5\n",
        "line 2 may be the header",
        table("site|energy|mass", "name|total|net", "A|1.5|2.5", "B|3.5|4.5"),
        preamble=0,
    ),
    loaded(
        "a row of units",
        "site,energy,mass\n,kWh,kg\nA,1.5,2.5\nB,3.5,4.5\n",
        table("site|energy|mass", "|kWh|kg", "A|1.5|2.5", "B|3.5|4.5"),
        says="row of units",
    ),
    loaded("names twice", "a,b,a,a\n1,2,3,4\n", table("a|b|a_2|a_3", "1|2|3|4"), says="a_2"),
    loaded("names that differ by case only", "a,A,b\n1,2,3\n", table("a|A_2|b", "1|2|3"), says="A_2"),
    loaded("names missing", "a,,b,\n1,2,3,4\n", table("a|column_2|b|column_4", "1|2|3|4"), says="has no name"),
    loaded(
        "names like those given to nameless columns", "a,,column_2\n1,2,3\n", table("a|column_2_2|column_2", "1|2|3")
    ),
    loaded(
        "zero-width characters in names",
        "\u200bsite,k\u200dWh,\u2060note\ufeff\nAthens,1520,meter A\n",
        table("site|kWh|note", "Athens|1520|meter A"),
        says="invisible",
    ),
    loaded("marks of direction in names", "\u200fsite\u200e,kWh\nA,5\n", table("site|kWh", "A|5")),
    loaded("spaces around names", " site ,  kWh , note\nA,5,x\n", table("site|kWh|note", "A|5|x")),
    loaded("no-break spaces around names", "\u00a0site\u00a0,kWh\nA,5\n", table("site|kWh", "A|5")),
    loaded("very long names", f"{LONG},b\n1,2\n", table(f"{LONG.strip()}|b", "1|2")),
    loaded("years as names", "site,2022,2023\nA,1.5,2\nB,3,4\n", table("site|2022|2023", "A|1.5|2", "B|3|4")),
    loaded("formulas as names", "=A1,+b,@c\n1,2,3\n", table("=A1|+b|@c", "1|2|3")),
    loaded("every line ends with a delimiter", "a,b,\n1,2,\n3,4,\n", table("a|b|column_3", "1|2|", "3|4|")),
    loaded(
        "every record but the header ends with a delimiter",
        "a,b\n1,2,\n3,4,\n",
        table("a|b|column_3", "1|2|", "3|4|"),
    ),
    refused("no header, figures in the first line", "x,1.5,2024-01-01\ny,2.5,2024-01-02\n", "there is no header"),
    refused("fewer names than fields", "a,b\nx,y,z\nu,v,w\n", "2 names"),
    loaded("the header alone", "a,b,c\n", Answer(columns=("a", "b", "c"), rows=()), says="no records below"),
    loaded("the header alone, no line end", "a,b,c", Answer(columns=("a", "b", "c"), rows=()), says="no records below"),
    loaded("one cell", "a", Answer(columns=("a",), rows=()), says="no records below"),
    loaded("one column", "name\nx\ny\nz\n", table("name", "x", "y", "z")),
    loaded("one column and one figure", "kWh\n5\n", table("kWh", "5")),
    refused("nothing", b"", "empty"),
    refused("a byte order mark alone", "\ufeff", "no header"),
    refused("line ends alone", "\r\n\r\n\r\n", "no header"),
    refused("spaces alone", "   \n  \n", "no header"),
    refused("delimiters alone", ",,\n,,\n", "no header"),
    refused(
        "too many columns",
        ",".join(f"c{number}" for number in range(2_001)) + "\n",
        "too many columns",
        Answer(columns=tuple(f"c{number}" for number in range(2_001)), rows=()),
    ),
    loaded(
        "very many columns",
        written(tuple(f"c{number}" for number in range(1_900)), tuple(str(number) for number in range(1_900))),
        Answer(
            columns=tuple(f"c{number}" for number in range(1_900)),
            rows=(tuple(str(number) for number in range(1_900)),),
        ),
    ),
    loaded(
        "lines of instruction",
        "#fill in, all of it\nsite,kWh,note\n#Athens first\nAthens,1520,meter A\nBerlin,98.5,\n"
        "# now, the rest, all, do\nCork,7,by hand\n",
        Answer(columns=COLUMNS, rows=ROWS, skipped={"instruction": 2}),
    ),
    loaded(
        "records that begin with #", "rank,kWh\n#1,5\n#2,6\n", table("rank|kWh", "#1|5", "#2|6"), says="read as data"
    ),
    loaded("# heads a column", "#,kWh\n1,5\n2,6\n", table("#|kWh", "1|5", "2|6")),
    refused(
        "lines that begin with # may be either",
        "a,b\n#1,2\n#do this\n3,4\n",
        "instructions or records",
        table("a|b", "3|4", instruction=2),
        comment="#",
    ),
    refused("a web page", "<!DOCTYPE html><html><body>Please log in</body></html>", "web page"),
    refused("a piece of a web page", "<table>\n<tr><td>a</td><td>b</td></tr>\n</table>\n", "XML document"),
    refused("JSON", '[{"site": "Athens", "kWh": 5}]', "JSON"),
    refused("JSON Lines", '{"site": "Athens", "kWh": 5}\n{"site": "Cork", "kWh": 6}\n', "JSON"),
    refused("a pointer of Git LFS", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "Git LFS"),
    loaded(
        "titles above, instructions below the header, decimal commas",
        "Zählerstände, Export vom 15.01.2021\nKunde: Marlow & Finch; alle Werte ohne Gewähr\n\n"
        "Zähler;Standort;Von;Bis;Menge;Einheit;Güte;Bemerkung\n"
        "# Von, Bis: einschließlich. Diese Zeile stehen lassen.\n"
        + "Z1;Halle, Nord;01.01.2020;31.01.2020;1520,5;kWh;G;\n" * 6
        + "Z2;Halle;01.01.2020;31.01.2020;98,0;kWh;G;x\n" * 8,
        Answer(
            columns=("Zähler", "Standort", "Von", "Bis", "Menge", "Einheit", "Güte", "Bemerkung"),
            rows=(("Z1", "Halle, Nord", "01.01.2020", "31.01.2020", "1520,5", "kWh", "G", ""),) * 6
            + (("Z2", "Halle", "01.01.2020", "31.01.2020", "98,0", "kWh", "G", "x"),) * 8,
            skipped={"instruction": 1},
        ),
    ),
    loaded("a preamble with a delimiter in it", "Report, made by hand\nfor 2024\n" + TEXT, PLAIN),
)
