"""Configuration, metrics, HTTP API."""
