"""The command line on the pages: what ``--help`` prints, taken from the commands themselves."""

from collections.abc import Iterator
from importlib import import_module

import click
from docutils import nodes  # type: ignore[import-untyped]
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

WIDTH = 80


class CommandHelp(SphinxDirective):
    """``{command-help} MODULE:COMMAND NAME``: the help of a command and of those below it."""

    required_arguments = 2
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Return a section for each command of a group, or the help of a single one."""
        place, name = self.arguments
        module, _, attribute = place.partition(":")
        (_, text), *below = helps(getattr(import_module(module), attribute), name)
        return [block(text), *(self.section(*one) for one in below)]

    def section(self, name: str, text: str) -> nodes.section:
        """Return the section of a command below."""
        section = nodes.section(ids=[nodes.make_id(name)], names=[nodes.fully_normalize_name(name)])
        section += nodes.title(name, "", nodes.literal(text=name))
        section += block(text)
        return section


def helps(
    command: click.Command, name: str, above: click.Context | None = None
) -> Iterator[tuple[str, str]]:
    """Yield name and help text of a command and of all commands below it."""
    settings = {**command.context_settings, "terminal_width": WIDTH, "max_content_width": WIDTH}
    context = click.Context(command, info_name=name, parent=above, **settings)
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for one in command.list_commands(context):
            below = command.get_command(context, one)
            if below is not None:
                yield from helps(below, one, context)


def block(text: str) -> nodes.literal_block:
    """Return text as it is printed."""
    return nodes.literal_block(text, text, language="text")


def setup(app: Sphinx) -> None:
    """Register the directive."""
    app.add_directive("command-help", CommandHelp)
