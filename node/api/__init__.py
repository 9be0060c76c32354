"""The HTTP door of a member: FastAPI routes under /v1, thin; what they do stands in the modules
they call.
"""
