"""Serve one WSGI application of OpenStack: ``hanse_serve.py RUN MODULE PORT THREADS [guarded]``.

Not gunicorn: the applications read the command line as their own. ``RUN`` tells by the process list whose it is.
"""

import importlib
import sys

import waitress

_, module, port, threads, *guarded = sys.argv[1:]
sys.argv = [module]
application = importlib.import_module(module).application
if module.startswith("neutron"):
    importlib.import_module("neutron.db.models.port_forwarding")  # Port is asked for it before anything loads it
    importlib.import_module("sqlalchemy.orm").configure_mappers()
if guarded:
    import hanse_gate

    application = hanse_gate.guarded(application)
waitress.serve(application, host="127.0.0.1", port=int(port), threads=int(threads), channel_timeout=120, ident=None)
