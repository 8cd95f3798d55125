"""What MathJax's MathML lacks for readers that know only its core: alphabets and spaces."""

import re
import unicodedata

from lxml import etree

MATHML = "http://www.w3.org/1998/Math/MathML"
MO = f"{{{MATHML}}}mo"
THIN = "0.167em"
TIGHT = {"|", "‖", "/"}
"""What TeX sets without space, and MathML like a relation or a division."""

CLOSING = {")", "]", "}", "|", "‖", "!", "⟩", "⌉", "⌋", "…", "⋯"}
APPLY = "\N{FUNCTION APPLICATION}"


def mend(root: etree._Element) -> None:
    """Leave out what MathJax notes for itself; write alphabets and TeX's spaces out."""
    for tag in root.iter(f"{{{MATHML}}}*"):
        for key in [key for key in tag.attrib if key.startswith("data-")]:
            del tag.attrib[key]
        if tag.text and tag.get("mathvariant", "normal") != "normal":
            tag.text = styled(tag.text, tag.attrib.pop("mathvariant"))
    for sign in root.iter(MO):
        before = sign.getprevious()
        if sign.text in TIGHT:
            sign.attrib.update({"lspace": "0", "rspace": "0"})
        elif re.fullmatch("[A-Za-z]{2,}", sign.text or ""):  # max, min
            sign.attrib.update({"lspace": THIN, "rspace": THIN})
        elif sign.text in ("+", "−") and _is_sign(before) and before.text not in CLOSING:
            sign.set("form", "prefix")
        elif sign.text == APPLY and before is not None:
            _apart(sign, before)


def _apart(apply: etree._Element, function: etree._Element) -> None:
    """Set a function apart from what precedes it, and from an argument without parentheses."""
    argument, left = apply.getnext(), function.getprevious()
    first = argument[0] if argument is not None and len(argument) else argument
    if first is not None and not _is_sign(first):
        apply.set("rspace", THIN)
    spaced = {f"{{{MATHML}}}mspace", f"{{{MATHML}}}mstyle"}
    if left is not None and left.tag not in spaced and (not _is_sign(left) or left.text in CLOSING):
        function.addprevious(etree.Element(f"{{{MATHML}}}mspace", width=THIN))


def _is_sign(tag: etree._Element | None) -> bool:
    return tag is not None and tag.tag == MO


def styled(text: str, variant: str) -> str:
    """Return letters in one of Unicode's mathematical alphabets.

    Browsers, and so the readers made of them, ignore the attribute ``mathvariant``.
    """
    letters = []
    for letter in text:
        name = re.sub("(LATIN|GREEK) | LETTER", "", unicodedata.name(letter))
        style = variant.upper().replace("BOLD-", "BOLD ")
        older = style.replace("FRAKTUR", "BLACK-LETTER")  # of what Unicode had before
        for full in (f"MATHEMATICAL {style} {name}", f"{older} {name}"):
            try:
                letters.append(unicodedata.lookup(full))
                break
            except KeyError:
                continue
        else:
            letters.append(letter)
    return "".join(letters)
