"""Tests of the image, the chart and the compose file with the tools of each."""
