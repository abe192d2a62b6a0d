"""The executor of any RestOperation of the contract: one deadline, one repeat, one record for each call."""
