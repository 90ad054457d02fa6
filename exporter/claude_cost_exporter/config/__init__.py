"""Configuration: YAML and environment to typed, checked settings (floor 1)."""
