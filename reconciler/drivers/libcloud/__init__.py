"""Drivers over apache-libcloud. The library is at home here and nowhere else."""
