"""Make neutron's tables as its models are: a hundred migrations would take longer. Usage: URL of the database."""

import sys

import sqlalchemy
from neutron.db.migration.models import head

head.get_metadata().create_all(sqlalchemy.create_engine(sys.argv[1]))
