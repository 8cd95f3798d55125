"""Formulas as tokens: which symbols a piece of LaTeX contains, and where."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|[a-zA-Z]|\d+|\s+|.", re.DOTALL)
_DECORATED = {"mathbb", "mathcal", "mathbf", "mathfrak", "tilde", "hat", "bar", "overline", "vec"}
_WORDS = {"text", "mathrm", "operatorname", "textbf", "textit", "mbox", "label", "tag", "begin"}
_WORDS |= {"end", "ref", "eqref", "hspace", "vspace", "color", "class"}
_MARKS = {"+", "-", "*", r"\star", r"\ast", "'"}


@dataclass(frozen=True)
class Symbol:
    r"""A letter with what belongs to it: ``X_i``, ``n^*``, ``\tilde n``.

    Parameters
    ----------
    start, end
        Where its letter stands in the formula, without index and exponent.
    letter
        The letter or command, as ``X`` or ``\tilde{n}``.
    index
        The subscript, without braces and spaces; empty if there is none.
    mark
        A superscript that makes it another symbol, such as ``*``; exponents do not.
    """

    start: int
    end: int
    letter: str
    index: str = ""
    mark: str = ""

    @property
    def name(self) -> str:
        """The whole symbol, written in one way."""
        index = f"_{{{self.index}}}" if self.index else ""
        return f"{self.letter}{index}" + (f"^{{{self.mark}}}" if self.mark else "")


def symbols(formula: str) -> list[Symbol]:
    r"""Return the symbols, operators and digits of a formula in order, also those in indices.

    Words, as in ``\text{…}`` or the index of ``c_{amp}``, are not taken apart.

    Parameters
    ----------
    formula
        LaTeX, without the dollars.

    Examples
    --------
    >>> [symbol.name for symbol in symbols(r"\sum_{i\in S}X_i'\le c_{amp}z^2")]
    ['\\sum_{i\\inS}', 'i', '\\in', 'S', "X_{i}^{'}", 'i', '\\le', 'c_{amp}', 'z', '2']
    """
    tokens = [(match.start(), match[0]) for match in _TOKEN.finditer(formula)]
    return list(_scan([token for token in tokens if not token[1].isspace()]))


def _scan(tokens: list[tuple[int, str]]) -> Iterator[Symbol]:
    at = 0
    while at < len(tokens):
        start, text = tokens[at]
        at += 1
        if text in "{}":
            continue
        if text == "\\\\" and at < len(tokens) and tokens[at][1] == "[":
            at = next((i for i in range(at, len(tokens)) if tokens[i][1] == "]"), at) + 1
            continue
        if text[1:] in _WORDS:
            at += at < len(tokens) and tokens[at][1] == "*"
            at = _argument(tokens, at)
            continue
        letter, end = text, start + len(text)
        if text[1:] in _DECORATED and at < len(tokens):
            after = _argument(tokens, at)
            letter = f"{text}{{{_joined(tokens[at:after])}}}"
            end = tokens[after - 1][0] + len(tokens[after - 1][1])
            at = after
        index, mark, inside = "", "", []
        while at < len(tokens) and tokens[at][1] in ("_", "^", "'"):
            if tokens[at][1] == "'":
                mark, at = mark + "'", at + 1
                continue
            after = _argument(tokens, at + 1)
            part, content = tokens[at + 1 : after], _joined(tokens[at + 1 : after])
            if tokens[at][1] == "_":
                index = content
            elif content in _MARKS:
                mark = content
            if not re.fullmatch(r"[a-zA-Z]{2,}", content) and content not in _MARKS:
                inside += part
            at = after
        yield Symbol(start, end, letter, index, mark)
        yield from _scan(inside)


def _argument(tokens: list[tuple[int, str]], at: int) -> int:
    """Return where the argument that begins at ``at`` is over."""
    if at >= len(tokens) or tokens[at][1] != "{":
        if at + 1 < len(tokens) and tokens[at][1][1:] in _DECORATED | _WORDS:
            return _argument(tokens, at + 1)
        return min(at + 1, len(tokens))
    depth = 0
    for i in range(at, len(tokens)):
        depth += {"{": 1, "}": -1}.get(tokens[i][1], 0)
        if depth == 0:
            return i + 1
    return len(tokens)


def _joined(tokens: list[tuple[int, str]]) -> str:
    text = "".join(text for _, text in tokens)
    return text[1:-1] if text.startswith("{") and text.endswith("}") else text
