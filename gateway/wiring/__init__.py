"""Where the objects meet: the engine, a live gateway, an audit, each from one configuration."""
