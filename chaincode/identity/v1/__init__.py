"""identity, version 1: organisations, accounts, roles and keys, as genesis set them. No function
yet.
"""
