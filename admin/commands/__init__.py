"""The commands of ``wuguan``, one file for each thing a person at a terminal comes for."""
