"""Fills the database of the server under test: two owners, and a domain for each zone of the name server."""

import json
import sys

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402 (models are there once Django is set up)
from nsupdate.main.models import Domain  # noqa: E402

given = json.load(sys.stdin)
owner = User.objects.create_user("op", "op@dyn.example", "x")
User.objects.create_user("other", "other@dyn.example", "x")
for name, secret in given["zones"].items():
    Domain.objects.create(
        name=name.rstrip("."),
        nameserver_ip=given["address"],
        nameserver_update_secret=secret,
        nameserver_update_algorithm="HMAC_SHA512",
        available=True,
        public=True,
        created_by=owner,
    )
