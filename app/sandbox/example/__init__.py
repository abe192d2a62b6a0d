"""A page that shows each outcome of a delete, served by a gateway that embeds the sandbox."""
