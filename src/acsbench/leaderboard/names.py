"""Names of members, teams, phases and models, as people type them."""

from __future__ import annotations

import re
import unicodedata

from acsbench.errors import ConfigurationError
from acsbench.leaderboard.database.tables import LONGEST_NAME


def clean_name(name: str) -> str:
    r"""A name without control characters, invisible ones and needless spaces.

    Raises:
        ConfigurationError: nothing is left, or too much.

    Examples:
        >>> clean_name("  Heart   Lab\u202e ")
        'Heart Lab'
    """
    shown = "".join(
        " " if character.isspace() else character
        for character in unicodedata.normalize("NFC", name)
        if character.isspace() or unicodedata.category(character)[0] != "C"
    )
    shown = re.sub(" +", " ", shown).strip()
    if not 1 <= len(shown) <= LONGEST_NAME:
        raise ConfigurationError(f"A name has 1 to {LONGEST_NAME} characters")
    return shown


def name_key(name: str) -> str:
    """A form in which names that look alike are equal.

    >>> name_key("Ｈeart LAB") == name_key("heart lab")
    True
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(folded.split())[: 4 * LONGEST_NAME]
