"""datasharing, version 1: catalogue, request, grant, access recorded before release, denial,
revocation, expiry.

No access is recorded unless a grant covers it at the block's time: not revoked, inside its
period, its fields and its purpose; provider and user both sign it, so that neither can frame the
other (DESIGN section 5). A person appears only as a handle of 32 opaque bytes.
"""
