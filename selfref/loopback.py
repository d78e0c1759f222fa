"""Which listening addresses only this machine can reach."""

import ipaddress


def is_loopback(host: str) -> bool:
    """True where no other machine can reach this listening address; a name that is not `localhost` may be anywhere."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
