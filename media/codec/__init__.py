"""Voice codecs that work one leg at a time: G.722, GSM 06.10, linear 16 bit and Opus.

G.711 is not here: it is done by table for all legs together (`media.g711`).  Every codec object holds the state of one
leg, takes 20 ms frames of int16 and gives int16; `bands` joins its sample rate to that of its neighbours.  Nothing here
loads a codec library before `catalogue.open_codec` asks for it.
"""
