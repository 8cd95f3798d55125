"""Clean notebooks: each chapter as an ordinary notebook that needs no extension to be read.

``sources`` splits a chapter into text and directives, ``shared`` knows what the chapters know of
one another, ``roles`` and ``directives`` write plain Markdown, ``notebook`` puts the cells together
and ``folder`` what is published.
"""
