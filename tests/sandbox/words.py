"""The messages of the sandbox."""

from __future__ import annotations

INVALID = "You provided invalid data. Check 'failures' for details."
NO_TOKEN = "The access token is missing or not valid."
NO_PERMISSION = "You do not have the permission crm.edit."
NO_COMPANY = "You do not have access to this company."
NO_CONTACT = "The contact was not found."
IN_USE = "The contact is in use and cannot be deleted."
BAD_VERSION = {"field": "Wethod-Version", "message": "This version is not known. The known one is 2024-06-15."}
