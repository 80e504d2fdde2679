"""Lines of delimited text, split into columns at once.

# Note [Shielded]
Whatever parses text mark by mark takes about as long as all the rest of reading. So a block of lines is split as a
whole, twice: at its quotes, which tells what stands inside of them from what stands outside, and at its delimiters.
In between, a delimiter or the end of a line that stands inside of quotes is shielded: a control character, of which the
block holds none otherwise, stands in its place. Text in which anything is out of the ordinary, such as a quote where no
cell starts or ends, or rows of several widths, is left to ``csv_syntax``, which looks at it row by row.
"""

from __future__ import annotations

from itertools import accumulate

from safe_import.sources.base import Rectangle

_DELIMITER, _END = _SHIELDS = "\x01\x02"


def rectangle_of(text: str, delimiter: str, first: int) -> Rectangle | None:
    """Return the rows of some lines; None where they need a closer look.

    Args:
        text: whole lines.
        delimiter: one character.
        first: the number of the first line.
    """
    unusual = any(mark in text for mark in ("\0", *_SHIELDS)) or delimiter in _SHIELDS
    if unusual or ("\r" in text and text.count("\r") != text.count("\r\n")):
        return None
    shielded = _shielded(text, delimiter) if '"' in text else text
    if shielded is None:
        return None
    lines = shielded.replace("\r\n", "\n")
    columns = _split(lines, delimiter)
    if columns is None:
        return None
    if '"' in text:
        columns = [_as_it_was(column, delimiter) for column in columns]
    return Rectangle(_starts(lines, first), columns)


def _shielded(text: str, delimiter: str) -> str | None:
    """A text without its quotes, but for those that stand for one."""
    pieces = text.split('"')
    outside = pieces[::2]
    opened_rightly = {piece[-1:] for piece in outside[:-1]} <= {"", "\n", delimiter}
    closed_rightly = {piece[:1] for piece in outside[1:]} <= {"", "\n", "\r", delimiter}
    if len(pieces) % 2 == 0 or not (opened_rightly and closed_rightly):
        return None
    inside = '"'.join(pieces[1::2]).replace(delimiter, _DELIMITER).replace("\n", _END)
    pieces[1::2] = inside.split('"')
    pieces[2:-1:2] = [piece or '"' for piece in outside[1:-1]]  # nothing between two quotes: they stand for one
    return "".join(pieces)


def _split(lines: str, delimiter: str) -> list[list[str]] | None:
    """The cells by column; None where the rows differ in width, or one may be blank."""
    cells = lines.replace("\n", f"{delimiter}\n{delimiter}").split(delimiter)
    width, count = cells.index("\n"), lines.count("\n")
    if cells[width :: width + 1] != ["\n"] * count:
        return None
    if (width == 1 or delimiter.isspace()) and not all(map(str.strip, lines[:-1].split("\n"))):
        return None
    return [cells[at : -1 : width + 1] for at in range(width)]


def _as_it_was(column: list[str], delimiter: str) -> list[str]:
    joined = "\n".join(column)
    if _DELIMITER in joined:
        column = joined.replace(_DELIMITER, delimiter).split("\n")
    return [cell.replace(_END, "\n") for cell in column] if _END in joined else column


def _starts(lines: str, first: int) -> list[int]:
    """The line on which each row starts."""
    if _END not in lines:
        return list(range(first, first + lines.count("\n")))
    return list(accumulate((row.count(_END) + 1 for row in lines.split("\n")[:-2]), initial=first))
