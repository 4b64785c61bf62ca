"""What divides the fields, and what ends the lines."""

from __future__ import annotations

from tests.corpus.pollutions import COLUMNS, PLAIN, ROWS, TEXT, Answer, loaded, refused, table, written

NO_NOTE = table("site|kWh", "Athens|1520", "Berlin|98.5", "Cork|7")

POLLUTIONS = (
    loaded("comma", TEXT),
    loaded("semicolon", written(COLUMNS, *ROWS, delimiter=";")),
    loaded("tab", written(COLUMNS, *ROWS, delimiter="\t")),
    loaded("vertical bar", written(COLUMNS, *ROWS, delimiter="|")),
    loaded("caret", written(COLUMNS, *ROWS, delimiter="^")),
    loaded("tilde", written(COLUMNS, *ROWS, delimiter="~")),
    refused("colon", written(COLUMNS, *ROWS, delimiter=":"), "divided by ':'", PLAIN, delimiter=":"),
    refused("exclamation mark", written(COLUMNS, *ROWS, delimiter="!"), "divided by '!'", PLAIN, delimiter="!"),
    refused("section sign", written(COLUMNS, *ROWS, delimiter="§"), "divided by '§'", PLAIN),
    refused("unit separator", written(COLUMNS, *ROWS, delimiter="\x1f"), "divided by", PLAIN),
    refused("start of heading, as Hive writes", written(COLUMNS, *ROWS, delimiter="\x01"), "divided by", PLAIN),
    refused("two bars", written(COLUMNS, *ROWS, delimiter="||"), "more than one sign", PLAIN),
    refused("two colons", written(COLUMNS, *ROWS, delimiter="::"), "two signs", PLAIN),
    refused("tilde, bar, tilde", written(COLUMNS, *ROWS, delimiter="~|~"), "more than one sign", PLAIN),
    refused("semicolon and bar", written(COLUMNS, *ROWS, delimiter=";|"), "delimiter cannot be told", PLAIN),
    refused(
        "columns of fixed width",
        "site      kWh   note\nAthens    1520  meter A\nBerlin    98.5  -\nCork      7     by hand\n",
        "fixed width",
        table("site|kWh|note", "Athens|1520|meter A", "Berlin|98.5|-", "Cork|7|by hand"),
    ),
    refused(
        "single spaces",
        "site year kWh\nAthens 2023 1520\nBerlin 2023 98.5\nCork 2022 7\n",
        "divided by spaces",
        table("site|year|kWh", "Athens|2023|1520", "Berlin|2023|98.5", "Cork|2022|7"),
        delimiter=" ",
    ),
    loaded(
        "one column of names with a space in each",
        "full name\nJohn Smith\nJane Doe\n",
        table("full name", "John Smith", "Jane Doe"),
    ),
    loaded("sep=; as Excel writes it", "sep=;\n" + written(COLUMNS, *ROWS, delimiter=";")),
    loaded("sep=, with quotes", '"sep=,"\r\n' + written(COLUMNS, *ROWS, end="\r\n")),
    loaded("sep=tab behind a byte order mark", "\ufeffsep=\t\n" + written(COLUMNS, *ROWS, delimiter="\t")),
    loaded("sep=| filled up with delimiters", "sep=|||\n" + written(COLUMNS, *ROWS, delimiter="|")),
    loaded(
        "sep=; over texts with commas",
        "sep=;\na;b\nx,y;u,v\nz,w;r,s\n",
        Answer(columns=("a", "b"), rows=(("x,y", "u,v"), ("z,w", "r,s"))),
    ),
    loaded(
        "decimal commas between semicolons",
        "site;kWh\nAthens;1520,5\nBerlin;98,5\nCork;7,0\n",
        table("site|kWh", "Athens|1520,5", "Berlin|98,5", "Cork|7,0"),
    ),
    loaded(
        "decimal commas in quotes between commas",
        'site,kWh\nAthens,"1520,5"\nBerlin,"98,5"\n',
        table("site|kWh", "Athens|1520,5", "Berlin|98,5"),
    ),
    refused("decimal commas between commas, no quotes", "site,kWh\nAthens,1520,5\nBerlin,98,5\n", "2 names"),
    refused("commas in texts, no quotes", "site,place\nA,Athens, Greece\nB,Berlin, Germany\n", "2 names"),
    refused(
        "comma and semicolon divide alike",
        "a;b,c\nx;y,z\nu;v,w\n",
        "delimiter cannot be told",
        table("a|b,c", "x|y,z", "u|v,w"),
        delimiter=";",
    ),
    loaded(
        "texts with another delimiter",
        "a,b,note\n" + "1,2,by hand; twice\n" * 4 + "3,4,\n",
        table("a|b|note", *["1|2|by hand; twice"] * 4, "3|4|"),
    ),
    loaded(
        "dates with bars and slashes",
        "day,kWh\n01/02/2024,5\n03/02/2024,6\n",
        table("day|kWh", "01/02/2024|5", "03/02/2024|6"),
    ),
    loaded(
        "thousands apart by no-break spaces",
        "site;kWh\nA;1\u00a0520\nB;12\u202f000\n",
        table("site|kWh", "A|1\u00a0520", "B|12\u202f000"),
    ),
    loaded(
        "a backslash before a delimiter",
        "a,b\nx\\, y,2\nu,3\nv,4\n",
        table("a|b", "u|3", "v|4", ragged=("x\\, y,2",)),
    ),
    # Line ends
    loaded("CRLF", written(COLUMNS, *ROWS, end="\r\n")),
    loaded("CR, as classic Macs wrote", written(COLUMNS, *ROWS, end="\r")),
    loaded("LF and CRLF mixed", "site,kWh,note\r\nAthens,1520,meter A\nBerlin,98.5,\r\nCork,7,by hand\n"),
    loaded("CRLF in the header only", "site,kWh\r\nAthens,1520\nBerlin,98.5\nCork,7\n", NO_NOTE),
    refused("LF and CR mixed", "site,kWh\nAthens,1520\rBerlin,98.5\nCork,7\n", "carriage return", NO_NOTE),
    refused("a CR too many", "site,kWh\r\r\nAthens,1520\r\r\n", "carriage return", table("site|kWh", "Athens|1520")),
    loaded("no line end at the end", TEXT.removesuffix("\n")),
    loaded("many line ends at the end", TEXT + "\n\n\n\n", Answer(columns=COLUMNS, rows=ROWS, skipped={"blank": 4})),
    refused("lines end with NEL", written(COLUMNS, *ROWS, end="\u0085"), "U+0085", PLAIN),
    refused("lines end with a Unicode line separator", written(COLUMNS, *ROWS, end="\u2028"), "U+2028", PLAIN),
    loaded(
        "line separator and next line inside texts",
        "a,b\nx\u2028y,1\nz\u0085w,2\n",
        table("a|b", "x\u2028y|1", "z\u0085w|2"),
    ),
    loaded(
        "vertical tab and form feed inside texts", "a,b\nx\x0by,1\nz\x0cw,2\n", table("a|b", "x\x0by|1", "z\x0cw|2")
    ),
    loaded("Ctrl-Z at the end", TEXT + "\x1a", Answer(columns=COLUMNS, rows=ROWS, skipped={"blank": 1})),
    loaded("Ctrl-Z behind the last field", TEXT.removesuffix("\n") + "\x1a"),
    loaded("Ctrl-Z below one column", "name\nx\ny\n\x1a", table("name", "x", "y", blank=1)),
)
