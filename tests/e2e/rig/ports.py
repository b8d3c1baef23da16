"""Free TCP ports for programs that cannot be asked which port they took."""

import itertools
import os
import random
import socket
from collections.abc import Iterator

# Below the ephemeral range (32768), so that no outgoing connection takes a port between
# the probe here and the program's own bind; below 22768 so that SeaweedFS, which takes
# each port once more 10000 higher, stays there too.
_FIRST, _LAST = 12000, 22000


def _candidates() -> Iterator[int]:
    start = random.Random(os.getpid()).randrange(_FIRST, _LAST)
    return itertools.cycle([*range(start, _LAST), *range(_FIRST, start)])


_next = _candidates()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port(also_plus: int = 0) -> int:
    """A port nobody listens on; with `also_plus`, `port + also_plus` is free as well."""
    for port in itertools.islice(_next, _LAST - _FIRST):
        if _is_free(port) and (not also_plus or _is_free(port + also_plus)):
            return port
    raise OSError(f"no free port between {_FIRST} and {_LAST}")


def free_ports(count: int) -> list[int]:
    """`count` different free ports."""
    return [free_port() for _ in range(count)]
