"""Settings of the nsupdate.info server under test."""

import os

from nsupdate.settings.base import *  # noqa: F403

DEBUG = False
SECRET_KEY = "for-tests-only"
ALLOWED_HOSTS = ["*"]
BASEDOMAIN = "dyn.example"
WWW_HOST = WWW_IPV4_HOST = WWW_IPV6_HOST = "127.0.0.1"
WE_HAVE_TLS = CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE = False
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["NSUPDATE_DATABASE"]}}
ROOT_URLCONF = "hanse_urls"
BAD_AGENTS = {"a-bad-agent"}
