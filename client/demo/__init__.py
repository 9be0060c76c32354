"""A consortium on one machine for a demonstration or an import: founding, running and stopping its
members' processes.
"""
