"""What can be done to a running system. Each fault shows that it was really there."""

from chaos.faults import broker, database, links, nginx, nodes, redis  # noqa: F401
from chaos.faults.registry import FAULTS, Fault, NotInjected  # noqa: F401
