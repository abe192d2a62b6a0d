"""The engine: runs any RestOperation of the contract. One deadline, one repeat, one record for each call."""
