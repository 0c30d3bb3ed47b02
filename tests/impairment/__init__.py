"""Bad networks for tests: what happens to each datagram is decided purely, thin proxies carry it out on loopback."""
