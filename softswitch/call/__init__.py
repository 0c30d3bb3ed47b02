"""The back-to-back user agent: legs, calls and what happens to them between the first INVITE and the last BYE.

A call is one coroutine with one inbox. Everything that happens to it (a phone rings, a digit, a prompt has ended, an
agent is free, somebody hangs up) is an event in that inbox, so the life of a call reads from top to bottom.
"""
