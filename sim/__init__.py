"""The simulated world around the gateway: providers, partner, switches, floods, scenarios."""
