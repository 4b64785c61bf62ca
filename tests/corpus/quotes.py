"""What holds a field together, and what stands in the way of it."""

from __future__ import annotations

from tests.corpus.pollutions import PLAIN, Answer, loaded, refused, table

HALF_CURLY = "site,place\nA,“Athens, Greece”\nB,Berlin\nC,Cork\n"

POLLUTIONS = (
    loaded(
        "every field in quotes",
        '"site","kWh","note"\n"Athens","1520","meter A"\n"Berlin","98.5",""\n"Cork","7","by hand"\n',
        PLAIN,
    ),
    loaded("delimiters in quotes", 'a,b\n"x, y",1\n"u, v",2\n', table("a|b", "x, y|1", "u, v|2")),
    loaded("doubled quotes", 'a,b\n"x ""y"" z",1\n"""u""",2\n', table("a|b", 'x "y" z|1', '"u"|2')),
    loaded(
        "line breaks in quotes",
        'a,b\n"x\ny",1\n"u\r\nv",2\n"r\rs",3\n',
        Answer(columns=("a", "b"), rows=(("x\ny", "1"), ("u\r\nv", "2"), ("r\rs", "3"))),
    ),
    loaded("a line break in the header", '"a\nb",c\n1,2\n', table("a b|c", "1|2"), says="invisible"),
    loaded("blank lines in quotes", 'a,b\n"x\n\n\ny",1\n', table("a|b", "x\n\n\ny|1")),
    loaded(
        "a whole table in quotes",
        'a,b\n"1,2\n3,4\n5,6",7\n8,9\n',
        table("a|b", "1,2\n3,4\n5,6|7", "8|9"),
    ),
    loaded("nothing in quotes", 'a,b\n"",1\n2,""\n"",""\n', table("a|b", "|1", "2|", blank=1)),
    loaded(
        "single quotes around fields",
        "a,b\n'x, y',1\n'u, v',2\n",
        table("a|b", "x, y|1", "u, v|2"),
    ),
    loaded("single quotes around all", "'a','b'\n'x','1'\n'it''s','2'\n", table("a|b", "x|1", "it's|2")),
    loaded("apostrophes", "a,b\nO'Brien,1\n'tis,2\nthe dogs',3\n", table("a|b", "O'Brien|1", "'tis|2", "the dogs'|3")),
    loaded(
        "apostrophes in quotes",
        "a,b\n\"O'Brien, Pat\",1\n'x,2\n",
        table("a|b", "O'Brien, Pat|1", "'x|2"),
    ),
    refused(
        "curly quotes around delimiters",
        "site,place\nA,“Athens, Greece”\nB,“Berlin, Germany”\n",
        "curly quotes",
        table("site|place", "A|Athens, Greece", "B|Berlin, Germany"),
    ),
    refused(
        "curly quotes around a few delimiters",
        HALF_CURLY,
        "curly quotes",
        table("site|place", "A|Athens, Greece", "B|Berlin", "C|Cork"),
    ),
    refused("curly quotes around names", "“site”,“kWh”\n“Athens”,“5”\n", "curly quotes", table("site|kWh", "Athens|5")),
    loaded("curly quotes within texts", "a,b\nthe “old” mill,1\n“x”,2\n", table("a|b", "the “old” mill|1", "“x”|2")),
    refused(
        "quotes escaped by backslashes",
        'a,b\n"x \\"y\\" z",1\n"u",2\n',
        "goes on after its closing quote",
        table("a|b", 'x "y" z|1', "u|2"),
    ),
    refused(
        "a backslash before the closing quote",
        'a,b\n"x \\"",1\n"u",2\n',
        "after its closing quote",
        table("a|b", 'x "|1', "u|2"),
    ),
    loaded("a backslash at the end of a quoted path", 'a,b\n"C:\\temp\\",1\n', table("a|b", "C:\\temp\\|1")),
    refused(
        "a quote in the middle of a field", 'a,b\n5" pipe,1\nx,2\n', "inside a field", table("a|b", '5" pipe|1', "x|2")
    ),
    refused(
        "inches between tabs",
        'a\tb\n5" pipe\t1\n6" pipe\t2\n',
        "inside a field",
        table("a|b", '5" pipe|1', '6" pipe|2'),
        quote="",
    ),
    refused("text behind a closing quote", 'a,b\n"x"y,1\n', "after its closing quote"),
    refused("a space behind a closing quote", 'a,b\n"x" ,1\n', "after its closing quote", table("a|b", "x|1")),
    refused(
        "a space before an opening quote",
        'a, b\n1, "x, y"\n2, "u, v"\n',
        "inside a field",
        table("a|b", "1|x, y", "2|u, v"),
    ),
    refused("a quote left open", 'a,b\n"x,1\ny,2\n', "ends inside a quoted field"),
    refused("a quote left open in the header", '"a,b\nx,1\ny,2\n', "ends inside a quoted field"),
    refused("a quote left open, closed by the next one", 'a,b\n"x,1\ny,"2"\n', "quote"),
    refused("a quote opened twice", 'a,b\n""x"",1\n', "quote"),
    refused("three quotes", 'a,b\n"""x"",1\ny,2\n', "quote"),
    loaded("each line in quotes as a whole", '"a,b"\n"1,2"\n"3,4"\n', table("a,b", "1,2", "3,4")),
    loaded(
        "JSON in quotes",
        'id,payload\n1,"{""a"": [1, 2], ""b"": ""x""}"\n2,{}\n',
        table("id|payload", '1|{"a": [1, 2], "b": "x"}', "2|{}"),
    ),
    refused("JSON without quotes", 'id,payload\n1,{"a": 1, "b": 2}\n', "quote"),
    loaded(
        "grave accents are no quotes",
        "a,b\n`x`,1\n`y`,2\n",
        table("a|b", "`x`|1", "`y`|2"),
    ),
)
