"""Serve one WSGI application of OpenStack: ``hanse_serve.py MODULE PORT THREADS [guarded]``.

Not gunicorn: the applications read the command line as their own.
"""

import importlib
import sys

import waitress

module, port, threads, *guarded = sys.argv[1:]
sys.argv = [module]
application = importlib.import_module(module).application
if guarded:
    import hanse_gate

    application = hanse_gate.guarded(application)
waitress.serve(application, host="127.0.0.1", port=int(port), threads=int(threads), channel_timeout=120, ident=None)
