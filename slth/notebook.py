"""What a chapter needs to be a notebook: numbers for its prose."""

from typing import Any

import numpy as np


def glue(name: str, value: Any) -> None:
    """Give ``value`` the ``name`` under which the prose of a chapter quotes it.

    The prose writes ``{glue:text}`name:.3f```, so that no number is typed by hand.  NumPy scalars
    become Python numbers, which format without a warning.  Without myst-nb (a downloaded notebook),
    or outside a notebook, this does nothing.

    Parameters
    ----------
    name : str
        Unique in the chapter.
    value : object
        A number, or a ready-made string.

    Raises
    ------
    ValueError
        If ``value`` is neither.

    Examples
    --------
    >>> import numpy as np
    >>> from slth.notebook import glue
    >>> glue("error", np.float64(0.25))
    """
    plain = (
        value.item() if isinstance(value, (np.generic, np.ndarray)) and value.size == 1 else value
    )
    if not isinstance(plain, (bool, int, float, str)):
        raise ValueError(
            f"glue '{name}': expected one number or a string, got {type(value).__name__}"
        )
    try:
        from IPython.core.getipython import get_ipython
        from myst_nb import glue as myst_glue
    except ImportError:
        return
    if get_ipython() is not None:
        myst_glue(name, plain, display=False)


def scientific(value: float, digits: int = 1) -> str:
    """Return ``value`` as prose writes it, with a power of ten: 1.7·10⁻⁶.

    Parameters
    ----------
    value : float
        A finite number.
    digits : int
        Digits behind the decimal point of the mantissa.

    Examples
    --------
    >>> scientific(1.68e-06), scientific(3.2e12, digits=0)
    ('1.7·10⁻⁶', '3·10¹²')
    """
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    superscript = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{mantissa}·10{superscript}"
