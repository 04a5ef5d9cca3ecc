"""What a call through the gateway costs, beside what the same call costs through other things. See README.md."""
