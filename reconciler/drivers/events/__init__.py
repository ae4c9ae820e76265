"""Drivers of the events port: ``inotify`` for directories, ``dcache`` for what streams, ``polling`` for the rest."""
