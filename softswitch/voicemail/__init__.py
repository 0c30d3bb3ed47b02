"""Voicemail: messages left for an extension, and listening to them."""
