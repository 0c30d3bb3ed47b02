"""The queue engine: who waits, who is free, and who is offered to whom. Specified by README.md in this folder."""
