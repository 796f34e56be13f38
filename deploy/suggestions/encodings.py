"""Encodings of one byte a letter, distinguished by the letters that they make of the bytes above 0x7f."""

from __future__ import annotations

from itertools import pairwise

# What the languages of an encoding write beside ASCII. Western Europe first: it is the likeliest of equals.
_LATIN = {
    "latin-1": "äöüßéèêëàâçñáíóúãõôîïûùœæøåìòÄÖÜÉÈÊÀÂÇÑÁÍÓÚÃÕÔÆØÅ£§°µ¿¡ºª€",
    "cp1250": "ąćęłńóśźżáčďéěíňřšťúůýžľĺŕôäöőüűßĄĆĘŁŃÓŚŹŻÁČĎÉĚÍŇŘŠŤÚŮÝŽĽÔÄÖŐÜŰđĐ§°€",
    "cp1254": "çğıöşüâîûÇĞİÖŞÜ§°€",
}
_CYRILLIC = "оеаинтсрвл"
_GREEK = "αοιετσνηυρ"
# The ten commonest letters of a language make up most of any text in it.
_OTHER_SCRIPTS = {
    **dict.fromkeys(("cp1251", "koi8-r", "cp866", "iso8859-5"), _CYRILLIC + _CYRILLIC.upper()),
    "cp1253": _GREEK + _GREEK.upper(),
}
_COMMON = 0.5


def other_script(data: bytes) -> str:
    """A Cyrillic or Greek encoding in which whole words of the bytes make sense; empty when there is none."""
    high = [byte > 0x7F for byte in data]
    beside = sum(one and other for one, other in pairwise(high))
    # Letters beyond ASCII stand alone between others in Latin script, and side by side in all others.
    if not any(high) or beside < 0.5 * sum(high):
        return ""
    scored = [(_share(data, name, letters), name) for name, letters in _OTHER_SCRIPTS.items()]
    best, name = max(scored, key=lambda item: item[0])
    return name if best >= _COMMON else ""


def latin_encoding(data: bytes) -> str:
    """Western, Central European or Turkish: that whose letters the bytes above 0x7f are most often."""
    scored = [(_share(data, name, letters), -place, name) for place, (name, letters) in enumerate(_LATIN.items())]
    return max(scored)[2]


def _share(data: bytes, encoding: str, letters: str) -> float:
    """How many of the signs beyond ASCII are among ``letters``; lower case counts more where case tells two apart."""
    codec = "cp1252" if encoding == "latin-1" else encoding
    signs = [sign for sign in data.decode(codec, "replace") if ord(sign) > 0x7F]
    if not signs:
        return 0.0
    found = sum(sign in letters for sign in signs)
    lower = sum(sign in letters and sign.islower() for sign in signs)
    return (found + 0.1 * lower) / len(signs)
