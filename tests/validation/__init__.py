"""The rules that stand for graphql-core's."""
