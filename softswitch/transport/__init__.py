"""The only SIP sockets: datagrams and streams in, bytes out. Nothing here knows transactions or calls."""
