"""The bibliography, whose labels are the words with which the text cites."""

from collections import Counter
from collections.abc import Iterator, Sequence
from string import ascii_lowercase

from pybtex.database import Entry
from pybtex.plugin import register_plugin
from pybtex.style.formatting.plain import Style
from sphinx.application import Sphinx


class AuthorYear:
    """Labels such as “Natale et al., 2024”, with a letter where two would be the same."""

    def format_labels(self, entries: Sequence[Entry]) -> Iterator[str]:
        """Yield the label of each entry."""
        labels = [label(entry) for entry in entries]
        number, seen = Counter(labels), Counter[str]()
        for one in labels:
            seen[one] += 1
            yield one if number[one] == 1 else one + ascii_lowercase[seen[one] - 1]


def label(entry: Entry) -> str:
    """Return the authors and the year of an entry as the text writes them.

    >>> from pybtex.database import Person
    >>> people = [Person("Jonathan Frankle"), Person("Michael Carbin")]
    >>> label(Entry("misc", {"year": "2019"}, {"author": people}))
    'Frankle and Carbin, 2019'
    """
    names = [" ".join([*one.prelast_names, *one.last_names]) for one in entry.persons["author"]]
    plain = [name.replace("{", "").replace("}", "") for name in names]
    match plain:
        case [one]:
            who = one
        case [one, other]:
            who = f"{one} and {other}"
        case _:
            who = f"{plain[0]} et al."
    return f"{who}, {entry.fields['year']}"


class Named(Style):  # type: ignore[misc]
    """Entries as in the style “plain”, by author and year, under names."""

    default_label_style = "named"
    default_sorting_style = "author_year_title"


def setup(app: Sphinx) -> None:
    """Make the style and its labels known under the name that the configuration gives."""
    register_plugin("pybtex.style.labels", "named", AuthorYear)
    register_plugin("pybtex.style.formatting", "named", Named)
