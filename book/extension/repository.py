"""Where the sources are: known only to a build that was told."""

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.application import Sphinx

from book.extension.generated import Generated


def where(repository: str) -> str:
    """Return where sources and errata are kept, as Markdown.

    Parameters
    ----------
    repository
        OWNER/NAME on GitHub; empty if the build does not know it.

    Examples
    --------
    >>> where("")[:41]
    'This copy was built without the address o'
    """
    if not repository:
        return (
            "This copy was built without the address of its repository; whoever gave it to you "
            "knows where its issues are kept."
        )
    address = f"https://github.com/{repository}"
    return (
        f"The sources are kept at [{repository}]({address}); its [issues]({address}/issues) are "
        "the place for errata and questions, and each chapter names its source file at its end. "
        f"Its [builds]({address}/actions) hold the book as a PDF and as an EPUB."
    )


class Repository(Generated):
    """``{repository}``: a paragraph with links to the sources and to the place for errata."""

    def run(self) -> list[nodes.Node]:
        """Return the paragraph."""
        box = nodes.container()
        self.parse(where(self.env.config.slth_repository), box)
        return list(box.children)


def setup(app: Sphinx) -> None:
    """Register the directive."""
    app.add_directive("repository", Repository)
