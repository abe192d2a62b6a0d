"""What is deployed, judged by the tools of those whom it is deployed to."""
