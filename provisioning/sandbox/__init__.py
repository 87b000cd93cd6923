"""A HiBob stand-in on loopback with an invented company, for the demo and the tests.

Its state lives in memory only: it survives nothing and needs nothing. Nothing outside the demo, the command
line and the tests may import it.
"""

from provisioning.sandbox.company import Company
from provisioning.sandbox.server import Sandbox
from provisioning.sandbox.switches import Switches

__all__ = ["Company", "Sandbox", "Switches"]
