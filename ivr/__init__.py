"""Voice menus, opening hours and spoken prompts: pure machines that know neither SIP nor sound cards.

Only `ivr.speech` touches the outside: it lets a speech program write a prompt into a file.
"""
