"""What can go wrong, sorted by who must act next.

    RollcallError
    ├── UsageError         exit 2   whoever called: wrong words, settings, or an unknown thing named
    │   ├── SettingsError           a set-up file, mapping or setting cannot be used as it stands
    │   └── NotFound                no such customer, domain, plan, run or person
    ├── Refused            exit 3   an admin or CSM: something is blocked, or not theirs to do
    │   ├── RoleMissing             the person acting has no role that allows this
    │   ├── SignedOut               a session is over, or nobody signed in
    │   ├── Lapsed                  the plan can no longer be approved or processed
    │   └── WorkbookRefused         an Excel file does not say what its plan says
    └── NeighbourError     exit 1   another system: unreachable, refused us, or answered wrongly
        ├── ClusterError            the Dask cluster that reads and plans for us
        ├── SourceError             HiBob
        │   └── SourceRefused       HiBob refused the credentials, or what they may see
        └── TargetError             the user directory
            └── TargetRefused       the directory refused the token

Problems in *data* are findings, values of `model.Finding`, and never exceptions. A message says what, which,
how many, and what to do next; it never holds a credential or a query value.
"""


class RollcallError(Exception):
    """Every error that a person is meant to read. `exit_code` is the command line's."""

    exit_code = 2


class UsageError(RollcallError):
    """The call cannot be understood."""


class SettingsError(UsageError):
    """A setting cannot be used; the message names it and says what would be right."""


class NotFound(UsageError):
    """Something was named that is not there."""


class Refused(RollcallError):
    """It was understood and not done; nothing was written."""

    exit_code = 3


class RoleMissing(Refused):
    """The person acting may not do this for this customer."""


class SignedOut(Refused):
    """Nobody is signed in here any more. The message says why, for the page that offers to sign in again."""


class Lapsed(Refused):
    """The plan was overtaken: by age, by changed settings, or by another run."""


class WorkbookRefused(Refused):
    """The file is not this plan's workbook, unchanged but for decisions. Names sheet, row and reason."""


class NeighbourError(RollcallError):
    """Another system is at fault, or does not let us in."""

    exit_code = 1


class SourceError(NeighbourError):
    """HiBob could not be read. The cause and the remedy stand in the message."""


class SourceRefused(SourceError):
    """HiBob refused the credentials, or something they would have to see: time alone mends nothing."""


class ClusterError(NeighbourError):
    """The cluster does not answer, or cannot work for us. Nothing was lost: what it was to do is asked for again."""


class TargetError(NeighbourError):
    """The user directory could not be read or written."""


class TargetRefused(TargetError):
    """The user directory refused the token: time alone mends nothing."""
