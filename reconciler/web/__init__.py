"""What Hanse knows, over HTTP: beside the loop, from the records."""
