"""Errors of Python functions, in the words of a command line."""

import re

_OPTIONS = (
    "epsilon|weight_tolerance|size|samples|seed|budget|objective|construction|law|input_shape|"
    "nonnegative_inputs"
)

# What a function is told by an argument or by calling another, the command is told by an option.
_WORDS = [
    (r"\bepsilon and weight_tolerance\b", "--epsilon and --weight-tolerance"),
    (r"\bgive size=k", "give --size K"),
    (r"\binput_shape=\(channels, height, width\)", "--input-shape C,H,W"),
    (r"\b(size)=(\d+)", r"--\1 \2"),
    (r"\b(objective)='(\w+)'", r"--\1 \2"),
    (r"\bno size\b", "no --size"),
    (r"\ban epsilon (\S+) times", r"an --epsilon \1 times"),
    (r"\brescale\(target\)", "--rescale"),
    (r"\brescale moves", "--rescale moves"),
    (r"\babsorb_biases turns", "--absorb-biases turns"),
    (
        r"; fold the normalisation into the layer before it first",
        "; --fold folds it into the layer before it",
    ),
    (rf"\b({_OPTIONS})(?= must be\b)", r"--\1"),
]


def in_shell(text: str) -> str:
    """Say with options what is said with arguments.

    Examples
    --------
    >>> in_shell("weight_tolerance must be finite and > 0, got -1.0")
    '--weight-tolerance must be finite and > 0, got -1.0'
    >>> in_shell("what helps: objective='feasible', or size=3")
    'what helps: --objective feasible, or --size 3'
    """
    for pattern, words in _WORDS:
        text = re.sub(pattern, words, text)
    return re.sub(r"--[a-z]+(?:_[a-z]+)+", lambda option: option[0].replace("_", "-"), text)
