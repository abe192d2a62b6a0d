"""The execution of an operation: variables, resolvers, projection, and delegation to graphql-core."""
