"""Which bytes stand for which characters."""

from __future__ import annotations

import codecs

from tests.corpus.pollutions import TEXT, Answer, Pollution, loaded, refused, table, written

GERMAN = table("Gebäude|Straße", "Hauptgebäude|Königstraße 5", "Süd|Äußere Allee")
FRENCH = table("nom|note", "Électricité|12 €", "Chauffage à gaz|dès l'été", "Cœur|près du pôle")
POLISH = table("nazwa|ilość", "Łódź, Żółkiewskiego|5", "Wrocław|6")
HUNGARIAN = table("név|mennyiség", "Győr fűtés|5", "Fő utca|6")
RUSSIAN = table("название|число", "Электричество|5", "Природный газ|7")
GREEK = table("όνομα|ποσότητα", "Ηλεκτρισμός|5", "φυσικό αέριο|6")
TURKISH = table("isim|miktar", "İstanbul ışık|5", "çelik üretimi ağır|6")
LITHUANIAN = table("pavadinimas|kiekis", "šiluma ąžuolų gatvėje|5", "dujų įranga|6")
JAPANESE = table("名前|数量", "電気の使用量|5", "天然ガス|6")
UNITS = table("name|unit", "flow|m³", "temperature|°C")


def text_of(answer: Answer) -> str:
    """A table with commas, or semicolons where it holds commas."""
    delimiter = ";" if any("," in cell for row in answer.rows for cell in row) else ","
    return written(answer.columns, *answer.rows, delimiter=delimiter)


def in_encoding(answer: Answer, encoding: str) -> bytes:
    """The bytes of `text_of`."""
    return text_of(answer).encode(encoding)


def _single_byte() -> list[Pollution]:
    languages = {
        "cp1252": GERMAN,
        "cp1250": POLISH,
        "iso8859-2": HUNGARIAN,
        "iso8859-15": FRENCH,
        "cp1251": RUSSIAN,
        "cp1253": GREEK,
        "cp1254": TURKISH,
        "mac-roman": GERMAN,
        "koi8-r": RUSSIAN,
        "cp850": GERMAN,
    }
    found = [loaded(name, in_encoding(answer, name), answer) for name, answer in languages.items()]
    said = {"cp1257": LITHUANIAN, "latin-1": GERMAN, "cp437": GERMAN}
    return found + [
        loaded(f"{name}, said", in_encoding(answer, name), answer, encoding=name) for name, answer in said.items()
    ]


POLLUTIONS = (
    loaded("UTF-8 with a byte order mark", "\ufeff" + TEXT),
    loaded("two byte order marks", "\ufeff\ufeff" + TEXT),
    loaded("UTF-8 beyond ASCII", text_of(JAPANESE), JAPANESE),
    loaded("UTF-16 LE with mark", codecs.BOM_UTF16_LE + in_encoding(GERMAN, "utf-16-le"), GERMAN),
    loaded("UTF-16 BE with mark", codecs.BOM_UTF16_BE + in_encoding(GERMAN, "utf-16-be"), GERMAN),
    loaded("UTF-16 LE without mark", in_encoding(GERMAN, "utf-16-le"), GERMAN),
    loaded("UTF-16 BE without mark", in_encoding(GERMAN, "utf-16-be"), GERMAN),
    loaded("UTF-32 with mark", in_encoding(GERMAN, "utf-32"), GERMAN),
    refused(
        "UTF-16 of Cyrillic without mark", in_encoding(RUSSIAN, "utf-16-le"), "zero byte", RUSSIAN, encoding="utf-16-le"
    ),
    refused("UTF-32 without mark", in_encoding(GERMAN, "utf-32-le"), "zero byte", GERMAN, encoding="utf-32-le"),
    refused("UTF-16 cut off in a character", in_encoding(GERMAN, "utf-16")[:-1], "offset"),
    *_single_byte(),
    loaded("units in cp1252", in_encoding(UNITS, "cp1252"), UNITS),
    refused("Shift JIS", in_encoding(JAPANESE, "shift_jis"), "source.encoding", JAPANESE, encoding="shift_jis"),
    refused("GB 18030", in_encoding(JAPANESE, "gb18030"), "source.encoding", JAPANESE, encoding="gb18030"),
    refused("EUC-JP", in_encoding(JAPANESE, "euc_jp"), "source.encoding", JAPANESE, encoding="euc_jp"),
    refused(
        "UTF-8 with one line of cp1252",
        "name;n\nété;1\nhôtel;2\n".encode() + "café;3\n".encode("cp1252") + "père;4\n".encode(),
        "offset 27 is not UTF-8",
        table("name|n", "été|1", "hôtel|2", "café|3", "père|4"),
    ),
    refused(
        "cp1252 with one line of UTF-8",
        "name;n\nété;1\nhôtel;2\nfrère;5\n".encode("cp1252") + "café;3\n".encode(),
        "offset 7 is not UTF-8",
        table("name|n", "été|1", "hôtel|2", "frère|5", "café|3"),
    ),
    refused(
        "coded surrogates (CESU-8)", b"a,b\n\xed\xa0\xbd\xed\xb8\x80,2\n", "offset 4 is not UTF-8", table("a|b", "😀|2")
    ),
    refused("overlong UTF-8", b"a,b\nx\xc0\xafy,2\n", "UTF-8"),
    refused("UTF-8 cut off in a character", "a,b\nété,1\nprè".encode()[:-1], "offset"),
    loaded(
        "mojibake of a former reader",
        "name,n\ncafÃ©,1\nStraÃŸe,2\n",
        table("name|n", "cafÃ©|1", "StraÃŸe|2"),
        says="wrong encoding before",
    ),
    loaded("replacement characters", "name,n\ncaf\ufffd,1\n", table("name|n", "caf\ufffd|1")),
    refused("zero bytes in texts", "a,b\nx\0y,1\n", "zero byte at offset 5"),
    refused("zero bytes at the end", TEXT + "\0" * 40, "zero byte"),
    refused("binary noise", bytes((number * 73 + 41) % 256 for number in range(1, 700)), "byte"),
    refused("binary noise without zeros", bytes(range(128, 256)) * 5, "source.encoding"),
)
