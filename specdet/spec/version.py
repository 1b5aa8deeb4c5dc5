"""The version of the spec language: `spec = N` in a file says which one it was written for."""

VERSION = 1
