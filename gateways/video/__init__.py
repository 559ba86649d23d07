"""Composed pictures: many members in one picture, encoded once for all who see it.

The work is done by `softswitch compose`, a process of its own (`composer/`), since codec libraries are the likeliest to
crash. The modules of this package are what both sides know (`layouts`, `records`) and the side that supervises.
"""
