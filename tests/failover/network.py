"""The network of the topology: a bridge in the suite's own namespace, the hub, and a namespace for each database node."""

import subprocess
from typing import Final

# Reserved for documentation (RFC 5737), and not reachable from anywhere outside of these namespaces.
HUB: Final = "192.0.2.1"
NODES: Final = {"db1": "192.0.2.11", "db2": "192.0.2.12"}
BRIDGE: Final = "bridge0"


def ip(*arguments: str) -> None:
    """Run the `ip` program; raise CalledProcessError where it fails."""
    subprocess.run(["ip", *arguments], check=True)  # noqa: S603, S607 - no input of others


def raise_loopback() -> None:
    """Make addresses like 127.0.0.1 work in the suite's own namespace."""
    ip("link", "set", "lo", "up")


def build() -> None:
    """Make the bridge and the nodes. They end with the namespaces of the suite itself."""
    # The names of namespaces are files in here: a file system of our own leaves none behind.
    subprocess.run(["mkdir", "-p", "/run/netns"], check=True)  # noqa: S607
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run/netns"], check=True)  # noqa: S607
    ip("link", "add", BRIDGE, "type", "bridge")
    ip("address", "add", f"{HUB}/24", "dev", BRIDGE)
    ip("link", "set", BRIDGE, "up")
    for name, address in NODES.items():
        add_node(name, address)


def add_node(name: str, address: str) -> None:
    """Join a new namespace to the bridge."""
    ip("netns", "add", name)
    ip("link", "add", port(name), "type", "veth", "peer", "name", "eth0", "netns", name)
    ip("link", "set", port(name), "master", BRIDGE)
    ip("link", "set", port(name), "up")
    for arguments in (("link", "set", "lo", "up"), ("address", "add", f"{address}/24", "dev", "eth0")):
        ip("-netns", name, *arguments)
    ip("-netns", name, "link", "set", "eth0", "up")


def port(name: str) -> str:
    """Return the bridge's port that leads to a node."""
    return f"port-{name}"


def cut(name: str) -> None:
    """Cut a node off from everything: packets are lost, and nobody is told."""
    ip("link", "set", port(name), "down")


def separate() -> None:
    """Cut the nodes off from each other alone, as `cut` does; each still reaches the hub."""
    isolate("on")


def reunite() -> None:
    """Join nodes that were cut off from each other."""
    isolate("off")


def isolate(state: str) -> None:
    """Say whether the bridge keeps packets of one node from the other ones."""
    for name in NODES:
        ip("link", "set", "dev", port(name), "type", "bridge_slave", "isolated", state)


def join(name: str) -> None:
    """Join a node that was cut off."""
    ip("link", "set", port(name), "up")
