"""Which characters texts in a language are written with: evidence for the encoding of a file that does not tell it."""

from __future__ import annotations

# Letters beyond a-z in common use, lower case. Rare letters are left out: a reading that needs them is doubtful.
LATIN = {
    "German": "äöüß",
    "French": "éèêëàâçîïôûùœ",
    "Spanish": "áéíóúñü",
    "Italian": "àèéìòù",
    "Portuguese": "áâãàçéêíóôõú",
    "Dutch": "éëïöü",
    "Swedish and Finnish": "åäöé",
    "Danish and Norwegian": "æøåé",
    "Polish": "ąćęłńóśźż",
    "Czech": "áčďéěíňóřšťúůýž",
    "Slovak": "áäčďéíľňóôšťúýž",
    "Hungarian": "áéíóöőúüű",
    "Romanian": "ăâîşţ",
    "Croatian and Slovene": "čćđšž",
    "Turkish": "çğıöşüİ",
    "Lithuanian": "ąčęėįšųūž",
    "Latvian": "āčēģīķļņšūž",
    "Estonian": "äöõüšž",
}
OTHER_SCRIPTS = {
    "Russian": "абвгдеёжзийклмнопрстуфхцчшщъыьэюя№",
    "Ukrainian": "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя№",
    "Bulgarian": "абвгдежзийклмнопрстуфхцчшщъьюя№",
    "Greek": "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊ",
}
# What stands in texts of all languages. Between two letters none of them is in its place but the apostrophe and dots.
SYMBOLS = "€£°²³µ§–—‘’“”„…«»©®™½¼¾×·±ºª¿¡‰•\u00a0"
BETWEEN_LETTERS = "’·–\u00a0"

# Encodings tried, and how often files of business data come in them compared with the first, the text not yet seen.
# A later one with the same reading adds nothing. East Asian, Arabic and Hebrew encodings are not guessed.
ENCODINGS = {
    "cp1252": 1.0,
    "iso8859-15": 0.2,
    "cp1250": 0.2,
    "iso8859-2": 0.1,
    "cp1254": 0.2,
    "cp1257": 0.1,
    "cp1251": 0.2,
    "koi8-r": 0.05,
    "cp1253": 0.2,
    "mac-roman": 0.05,
    "cp850": 0.05,
    "cp852": 0.05,
    "cp437": 0.05,
}
