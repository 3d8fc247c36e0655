"""URLs with several hosts, such as `postgres://user:password@a:5432,b:5432/name`."""

from urllib.parse import parse_qsl, urlencode


def split_hosts(url: str) -> list[str]:
    """Return one URL for each host of `url`, in their order.

    Hosts precede the path, or are in `?host=a,b&port=5432,5433`. One port is the port of all hosts. Raises
    ValueError if the numbers of hosts and ports differ, or a host has no name.
    """
    scheme, separator, rest = url.partition("://")
    end = min((found for delimiter in "/?#" if (found := rest.find(delimiter)) >= 0), default=len(rest))
    login, at, host_list = rest[:end].rpartition("@")
    path = rest[end:]
    if not host_list:
        return [f"{scheme}{separator}{login}{at}{tail}" for tail in _split_query_hosts(path)]
    names = host_list.split(",")
    if len(names) > 1 and not all(names):
        raise ValueError("a host has no name")
    return [f"{scheme}{separator}{login}{at}{name}{path}" for name in names]


def display_hosts(url: str) -> str:
    """Return the hosts and the path of `url` for messages, without user and password."""
    return url.partition("://")[2].partition("?")[0].rpartition("@")[2]


def _split_query_hosts(path: str) -> list[str]:
    """Return the path once for each host in its query."""
    base, delimiter, query = path.partition("?")
    options = dict(parse_qsl(query))
    names = options.pop("host", "").split(",")
    if len(names) == 1:
        return [path]
    ports = options.pop("port", "").split(",")
    if len(ports) == 1:
        ports *= len(names)
    pairs = zip(names, ports, strict=True)
    return [
        f"{base}{delimiter}{urlencode({**options, 'host': name, **_port_option(port)})}"
        for name, port in pairs
    ]


def _port_option(port: str) -> dict[str, str]:
    return {"port": port} if port else {}
