"""From a document to a result: limits, cache, compiler."""
