"""Two more operations, added as docs/adding-an-operation.md describes."""
