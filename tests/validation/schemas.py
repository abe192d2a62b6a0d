"""Schemas whose fields can meet in many ways."""

from __future__ import annotations

from graphql import GraphQLSchema, build_schema

from tests.execution.contacts import build_contact_schema
from tests.execution.rich_schema import build_rich_schema

MEETING = build_schema("""
  interface Being { name(surname: Boolean): String relatives: [Being] home: Place friend: Pet }
  interface Pet { name(surname: Boolean): String barks: Boolean friend: Pet }
  type Dog implements Being & Pet {
    name(surname: Boolean): String relatives: [Dog] home: Kennel friend: Pet barks: Boolean volume(at: Int): Int
    tricks: [String] best: [String]! only: [String!] age: Int box: Nested
  }
  type Cat implements Being & Pet {
    name(surname: Boolean): String relatives: [Cat] home: House friend: Pet barks: Boolean volume(at: Int): String
    tricks: [Int] best: [String!] only: String age: Int! box: [Nested]
  }
  type Human implements Being {
    name(surname: Boolean): String relatives: [Being] home: Place friend: Pet pets: [Pet!]!
  }
  interface Place { street: String inhabitants(first: Int, of: Filter): [Being!] }
  type Kennel implements Place { street: String inhabitants(first: Int, of: Filter): [Being!] size: Int }
  type House implements Place { street: String inhabitants(first: Int, of: Filter): [Being!] size: Float }
  type Nested { deep: [[Int!]]! flat: [Int] nested: Nested }
  union Any = Dog | Cat | Human | House
  enum Colour { RED GREEN }
  input Filter { colour: Colour names: [String!] not: Filter }
  input OnlyOne @oneOf { name: String age: Int }
  type Query { any: Any being: Being pet: Pet dog: Dog cat: Cat nested: Nested place(at: OnlyOne, or: Int! = 3): Place }
  type Mutation { feed(id: ID!, food: [Colour!]): Any }
""")

SCHEMAS: dict[str, GraphQLSchema] = {
    "meeting": MEETING,
    "contact": build_contact_schema(),
    "rich": build_rich_schema(),
}
