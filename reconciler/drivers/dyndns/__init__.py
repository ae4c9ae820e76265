"""Drivers for dynamic DNS services: each name is a host there, with one address per family and a TTL of the service's.

They share how the truth is read (the zone's own name server), how replies are understood, and where marks are kept.
"""
