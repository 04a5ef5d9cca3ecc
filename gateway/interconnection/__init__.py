"""Carriers, trunk groups and the discontinuance of a provider (agreement L). Pure."""
