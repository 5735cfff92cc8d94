"""One module a data set: it says which rows there are and where their labels come from.

A module has rows(root) -> a table (see `avlab.clips.table.complete`), and FORGERS, the names that its forger_video and forger_audio may hold.
It reads lists and folders and decodes no film. Nothing is guessed: what is strange goes into the row as it stands, for `check` to find.
"""

from importlib import import_module

from avlab.errors import AvlabError

NAMES = ("fakeavceleb", "dftimit", "dfdm", "lavdf", "faceforensics", "avdeepfake1m", "tvil", "mmdf", "dfdc", "celebdf")


def module(name):
    """The module of a data set.  Raises AvlabError for a name that is none, and lists the known ones."""
    if name not in NAMES:
        raise AvlabError(f"The data sets are synthtalk, {', '.join(NAMES)}", got=name)
    return import_module(f"avlab.clips.datasets.{name}")


def forgers(name):
    """{"video": names, "audio": names} that a data set knows, or None for other data."""
    if name == "synthtalk":
        from avlab.clips.rows import SYNTHTALK_FORGERS

        return SYNTHTALK_FORGERS
    return module(name).FORGERS if name in NAMES else None
