"""Request bodies: pydantic models, because they name every bad field at once."""
