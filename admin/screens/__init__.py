"""Screens of our own: what is not the table of an entity. Each brings its addresses and its lines in the navigation."""

from admin.site import Screen

SCREENS: tuple[Screen, ...] = ()
