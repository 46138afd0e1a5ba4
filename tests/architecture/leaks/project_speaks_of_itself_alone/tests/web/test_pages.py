"""A path of one machine."""

KEPT = "/home/someone/wuguan"  # LEAK
SERVED = "/admin/home/owners"
DEBIAN = "/usr/bin/chromium"
