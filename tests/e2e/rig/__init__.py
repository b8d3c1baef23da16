"""What the end-to-end tests stand on: real programs, real readers, and proxies that misbehave on purpose."""
