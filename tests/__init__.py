"""Tests of the promises of this project, through the front door wherever that is possible."""
